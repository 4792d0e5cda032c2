import type { InlineProjection, RecordedEvent, StoreTransaction } from '@warren/event-store';
import { asOrderEvent } from '../../application/order-streams.ts';
import type { OrderCreatedData } from '../../domain/order.ts';

type Tx = Pick<StoreTransaction, 'query'>;

/** What the table takes from an event after the first. */
interface Change {
  id: string;
  status: 'confirmed' | 'cancelled';
  reason: string | null;
  version: number;
  updatedAt: string;
}

export interface OrderProjectionOptions {
  /** How long an order may be pending, in milliseconds: what `deadline_at` is made from. */
  deadlineMs: number;
}

/**
 * Keeps the table `orders`: two statements for any number of events. Applying an event again, or an older one, changes nothing, so the
 * table can be rebuilt from the log while the service runs.
 */
export function createOrderProjection({ deadlineMs }: OrderProjectionOptions): InlineProjection {
  return {
    name: 'orders',
    async apply(tx, events) {
      const created: OrderCreatedData[] = [];
      const changes = new Map<string, Change>();
      for (const recorded of events) {
        const event = asOrderEvent(recorded);
        if (event.type === 'OrderCreated') created.push(event.data);
        else if (event.type === 'OrderConfirmed')
          changes.set(recorded.aggregateId, changeOf(recorded, 'confirmed', null));
        else changes.set(recorded.aggregateId, changeOf(recorded, 'cancelled', event.data.reason));
      }
      if (created.length > 0) await insert(tx, created, deadlineMs);
      if (changes.size > 0) await update(tx, [...changes.values()]);
    },
  };
}

function changeOf(recorded: RecordedEvent, status: Change['status'], reason: string | null): Change {
  const { aggregateId, streamVersion, timestamp } = recorded;
  return { id: aggregateId, status, reason, version: streamVersion, updatedAt: timestamp };
}

async function insert(tx: Tx, orders: readonly OrderCreatedData[], deadlineMs: number): Promise<void> {
  await tx.query({
    name: 'warren-order/insert',
    text: `INSERT INTO orders (id, customer_id, items, total_amount, status, version, created_at, updated_at, deadline_at,
                         currency, priority)
     SELECT id, customer_id, items::json, total_amount, 'pending', 1, created_at, created_at,
            created_at + $6 * interval '1 millisecond', currency, priority
       FROM unnest($1::uuid[], $2::text[], $3::text[], $4::numeric[], $5::timestamptz[], $7::text[], $8::text[])
         AS one (id, customer_id, items, total_amount, created_at, currency, priority)
         ON CONFLICT (id) DO NOTHING`,
    values: [
      orders.map((order) => order.id),
      orders.map((order) => order.customerId),
      orders.map((order) => JSON.stringify(order.items)),
      orders.map((order) => order.totalAmount ?? null),
      orders.map((order) => order.createdAt),
      deadlineMs,
      orders.map((order) => order.currency),
      orders.map((order) => order.priority ?? null),
    ],
  });
}

async function update(tx: Tx, changes: readonly Change[]): Promise<void> {
  await tx.query({
    name: 'warren-order/update',
    text: `UPDATE orders
        SET status = change.status, reason = change.reason, version = change.version, updated_at = change.updated_at
       FROM unnest($1::uuid[], $2::text[], $3::text[], $4::integer[], $5::timestamptz[])
         AS change (id, status, reason, version, updated_at)
      WHERE orders.id = change.id AND orders.version < change.version`,
    values: [
      changes.map((change) => change.id),
      changes.map((change) => change.status),
      changes.map((change) => change.reason),
      changes.map((change) => change.version),
      changes.map((change) => change.updatedAt),
    ],
  });
}
