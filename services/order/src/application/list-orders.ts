import { ORDER_STATUSES } from '@shop/events/order';
import { OrderView } from '@shop/events/order-view';
import { type RequestOf, ShortText } from '@warren/contracts';
import { type Sql, sql } from '@warren/event-store';
import { isId } from '@warren/kernel';
import type { Context } from '@warren/service';
import { type Static, Type } from 'typebox';
import { orders } from './order-view.ts';

const CURSOR_PREFIX = 'before:';

/** Where the next page begins. Opaque to clients: the format may change. */
export const formatCursor = (orderId: string): string =>
  Buffer.from(`${CURSOR_PREFIX}${orderId}`).toString('base64url');

/** The id of the last order on the previous page; undefined when the text is not a cursor. */
export function parseCursor(cursor: string): string | undefined {
  const orderId = Buffer.from(cursor, 'base64url').toString().slice(CURSOR_PREFIX.length);
  // Encoded again and compared, because Buffer skips characters that are not base64url.
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

/** A page of the orders that match a filter, newest first. */
export async function listOrders(
  { store }: Context,
  filter: RequestOf<OrderFilter>,
): Promise<Static<typeof OrderPage>> {
  const { limit } = filter;
  // One row more than asked for shows whether there is a next page.
  const rows = await store.query<Record<string, unknown>>(listQuery({ ...filter, limit: limit + 1 }));
  const items = rows.slice(0, limit).map(orders.read);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last ? formatCursor(last.id) : null };
}

/**
 * The query contains only the requested conditions, so that each combination can use its index. Order ids are UUID v7, so sorting by id
 * sorts by time.
 */
export function listQuery({ customerId, status, cursor, limit }: OrderFilter): Sql {
  const before = cursor === undefined ? undefined : parseCursor(cursor);
  const where = (condition: Sql, value: string | undefined): Sql =>
    value === undefined ? sql`` : sql` AND ${condition}`;
  return orders.select(sql`
    WHERE true${where(sql`customer_id = ${customerId}`, customerId)}${where(sql`status = ${status}`, status)}${where(sql`id < ${before}`, before)}
    ORDER BY id DESC LIMIT ${limit}`);
}
