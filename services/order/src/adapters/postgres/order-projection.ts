import type { OrderView } from '@shop/events/order-view';
import type { InlineProjection, RecordedEvent, StoreTransaction } from '@warren/event-store';
import { asOrderEvent } from '../../application/order-streams.ts';
import { changeBy, type OrderChange, viewAtCreation } from '../../application/order-view.ts';

type Tx = Pick<StoreTransaction, 'query'>;

/** What a batch of events makes of the orders: the new ones as they are after it, and what changes of the others. */
interface Folded {
  created: (OrderView & { /** Of its first event. */ position: number })[];
  changed: (OrderChange & { id: string })[];
}

/** Keeps the table `orders`: two statements for any number of events. Applying an event again, or an older one, changes nothing. */
export function createOrderProjection(): InlineProjection {
  return {
    name: 'orders',
    tables: ['orders'],
    async apply(tx, events) {
      const { created, changed } = fold(events);
      if (created.length > 0) await insert(tx, created);
      if (changed.length > 0) await update(tx, changed);
    },
  };
}

function fold(events: readonly RecordedEvent[]): Folded {
  const created = new Map<string, Folded['created'][number]>();
  const changed = new Map<string, OrderChange & { id: string }>();
  for (const recorded of events) {
    const { aggregateId: id, streamVersion: version, timestamp: updatedAt, position } = recorded;
    const event = asOrderEvent(recorded);
    if (event.type === 'OrderCreated') {
      created.set(id, { ...viewAtCreation(event.data), position });
      continue;
    }
    const change = changeBy(event, { version, updatedAt });
    const view = created.get(id);
    if (view) Object.assign(view, change);
    else changed.set(id, { ...changed.get(id), id, ...change });
  }
  return { created: [...created.values()], changed: [...changed.values()] };
}

async function insert(tx: Tx, orders: Folded['created']): Promise<void> {
  await tx.query({
    name: 'warren-order/insert',
    text: `INSERT INTO orders (id, customer_id, items, total_amount, status, reason, payment_status, fulfillment_status, version,
                         created_at, updated_at, position, currency, priority)
     SELECT id, customer_id, items::json, total_amount, status, reason, payment_status, fulfillment_status, version,
            created_at, updated_at, position, currency, priority
       FROM unnest($1::uuid[], $2::text[], $3::text[], $4::numeric[], $5::text[], $6::text[], $7::text[], $8::text[],
                   $9::integer[], $10::timestamptz[], $11::timestamptz[], $12::text[], $13::text[], $14::bigint[])
         AS one (id, customer_id, items, total_amount, status, reason, payment_status, fulfillment_status, version,
                 created_at, updated_at, currency, priority, position)
         ON CONFLICT (id) DO UPDATE
        SET status = excluded.status, reason = excluded.reason, payment_status = excluded.payment_status,
            fulfillment_status = excluded.fulfillment_status, version = excluded.version, updated_at = excluded.updated_at
      WHERE orders.version < excluded.version`,
    values: [
      orders.map((order) => order.id),
      orders.map((order) => order.customerId),
      orders.map((order) => JSON.stringify(order.items)),
      orders.map((order) => order.totalAmount ?? null),
      ...changeValues(orders),
      orders.map((order) => order.createdAt),
      orders.map((order) => order.updatedAt),
      orders.map((order) => order.currency),
      orders.map((order) => order.priority ?? null),
      orders.map((order) => order.position),
    ],
  });
}

async function update(tx: Tx, changes: Folded['changed']): Promise<void> {
  await tx.query({
    name: 'warren-order/update',
    text: `UPDATE orders
        SET status = coalesce(change.status, orders.status), reason = coalesce(change.reason, orders.reason),
            payment_status = coalesce(change.payment_status, orders.payment_status),
            fulfillment_status = coalesce(change.fulfillment_status, orders.fulfillment_status),
            version = change.version, updated_at = change.updated_at
       FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::timestamptz[])
         AS change (id, status, reason, payment_status, fulfillment_status, version, updated_at)
      WHERE orders.id = change.id AND orders.version < change.version`,
    values: [changes.map((change) => change.id), ...changeValues(changes), changes.map((change) => change.updatedAt)],
  });
}

const changeValues = (changes: readonly OrderChange[]): unknown[][] => [
  changes.map((change) => change.status ?? null),
  changes.map((change) => change.reason ?? null),
  changes.map((change) => change.paymentStatus ?? null),
  changes.map((change) => change.fulfillmentStatus ?? null),
  changes.map((change) => change.version),
];
