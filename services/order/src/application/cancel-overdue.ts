import { isConfirmed, relayStandAt } from '@warren/event-store';
import type { Context } from '@warren/service';
import { order } from '../domain/order.ts';

/** Of the service's relay and the time `$1`. */
const RELAY = { relay: `'outbox'`, until: '$1::timestamptz' };

/**
 * Pending orders whose creation was confirmed by `$1`. `position` only bounds the search; what counts is the event. One that is not in
 * `events` any more is archived, hence confirmed: then only the read model has not heard of the order's end.
 */
export const OVERDUE = `
  WITH stand AS MATERIALIZED (${relayStandAt(RELAY.relay, RELAY.until)})
  SELECT id FROM orders
  LEFT JOIN LATERAL (
    SELECT tx, position FROM events WHERE stream_id = 'order-' || orders.id AND stream_version = 1 OFFSET 0
  ) created ON true
  CROSS JOIN LATERAL (SELECT * FROM stand OFFSET 0) stand
  WHERE status = 'pending' AND orders.position <= (SELECT bound FROM stand) AND id <> ALL ($3::uuid[])
    AND ${isConfirmed({ ...RELAY, stand: 'stand', tx: `coalesce(created.tx, '0')`, position: 'coalesce(created.position, 0)' })}
  ORDER BY orders.position LIMIT $2`;

/** What a look at overdue orders takes. */
export type OverdueContext = Pick<Context, 'logger'> & { store: Pick<Context['store'], 'query' | 'decideEach'> };

/** Ids of pending orders whose creation the broker had confirmed by then (by the database's clock), in the order of the log; none of `except`. */
export async function listOverdue(
  { store }: Pick<OverdueContext, 'store'>,
  confirmedBefore: Date,
  { limit, except = [] }: { limit: number; except?: readonly string[] },
): Promise<string[]> {
  const rows = await store.query<{ id: string }>({ text: OVERDUE, values: [confirmedBefore, limit, except] });
  return rows.map(({ id }) => id);
}

/**
 * Cancels orders that are pending though the broker had confirmed their creation by `confirmedBefore`, `batch` at once, until none is left
 * or the signal is aborted; returns how many it found. Several instances may find the same ones: the first to append wins, and the others
 * decide again, on an order that has ended.
 * @throws whatever keeps the database from answering
 */
export async function cancelOverdue(
  { store, logger }: OverdueContext,
  confirmedBefore: Date,
  { batch, signal }: { batch: number; signal?: AbortSignal },
): Promise<number> {
  // They may stay overdue: without leaving them out, a batch of them would hide all others.
  const undecided = new Set<string>();
  let found = 0;
  for (;;) {
    const orderIds = await listOverdue({ store }, confirmedBefore, { limit: batch, except: [...undecided] });
    found += orderIds.length;
    const outcomes = await store.decideEach(
      order,
      orderIds.map((orderId) => ({ type: 'PassDeadline', data: { orderId } })),
    );
    for (const [at, outcome] of outcomes.entries()) {
      const orderId = orderIds[at] as string;
      if (outcome instanceof Error) logger.error({ err: outcome, orderId }, 'an overdue order could not be cancelled');
      if (outcome instanceof Error || outcome.ignored !== undefined) undecided.add(orderId);
    }
    if (orderIds.length < batch || signal?.aborted) return found;
  }
}
