import { ORDER_STATUSES, OrderView, type RequestOf, ShortText } from '@warren/contracts';
import { type Sql, sql } from '@warren/event-store';
import { isId } from '@warren/kernel';
import type { Context } from '@warren/service';
import { type Static, Type } from 'typebox';
import { orders } from './order-view.ts';

const CURSOR_PREFIX = 'before:';

/** Where the next page begins. Clients hand it back as it is; what is in it may change. */
export const formatCursor = (orderId: string): string =>
  Buffer.from(`${CURSOR_PREFIX}${orderId}`).toString('base64url');

/** The id of the last order of the page before, or nothing when this is no cursor. */
export function parseCursor(cursor: string): string | undefined {
  const orderId = Buffer.from(cursor, 'base64url').toString().slice(CURSOR_PREFIX.length);
  // Written back, because Buffer skips what is not base64url.
  return isId(orderId) && formatCursor(orderId) === cursor ? orderId : undefined;
}

const statusWanted = `must be one of ${ORDER_STATUSES.join(', ')}`;
const isCursor = (text: string): boolean => parseCursor(text) !== undefined;

/** Which orders are listed, and how many. */
export const OrderFilter = Type.Object({
  customerId: Type.Optional(ShortText),
  status: Type.Optional(Type.Enum([...ORDER_STATUSES], { wanted: statusWanted })),
  limit: Type.Integer({ minimum: 1, maximum: 100, default: 20, wanted: 'must be a whole number from 1 to 100' }),
  cursor: Type.Optional(Type.Refine(Type.String(), isCursor, () => 'must be a nextCursor of an earlier answer')),
});
export type OrderFilter = Static<typeof OrderFilter>;

export const OrderPage = Type.Object({
  items: Type.Array(OrderView),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
});

/** A page of the orders that a filter lets through, the newest first. */
export async function listOrders(
  { store }: Context,
  filter: RequestOf<OrderFilter>,
): Promise<Static<typeof OrderPage>> {
  const { limit } = filter;
  // One more than asked for tells whether there is a next page.
  const rows = await store.query<Record<string, unknown>>(listQuery({ ...filter, limit: limit + 1 }));
  const items = rows.slice(0, limit).map(orders.read);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last ? formatCursor(last.id) : null };
}

/**
 * Only conditions that are asked for stand in the query, so that each combination can use its index. An order's id is a UUID v7, so its place
 * in time is its id.
 */
export function listQuery({ customerId, status, cursor, limit }: OrderFilter): Sql {
  const before = cursor === undefined ? undefined : parseCursor(cursor);
  const where = (condition: Sql, value: string | undefined): Sql =>
    value === undefined ? sql`` : sql` AND ${condition}`;
  return orders.select(sql`
    WHERE true${where(sql`customer_id = ${customerId}`, customerId)}${where(sql`status = ${status}`, status)}${where(sql`id < ${before}`, before)}
    ORDER BY id DESC LIMIT ${limit}`);
}
