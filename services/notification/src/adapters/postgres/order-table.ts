import type { OrderBook, OrderNote } from '../../application/books.ts';

/** Sorted, so that two transactions with the same orders wait for each other in one direction only. */
const NOTE_ORDERS = `
  INSERT INTO known_order AS known (order_id, customer_id, total_cents, currency, cancelled, shipped)
  SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::boolean[], $6::boolean[])
    AS note (id, customer, cents, currency, cancelled, shipped)
   ORDER BY id
  ON CONFLICT (order_id) DO UPDATE SET
    customer_id = coalesce(known.customer_id, excluded.customer_id),
    total_cents = coalesce(known.total_cents, excluded.total_cents),
    currency = coalesce(known.currency, excluded.currency),
    cancelled = known.cancelled OR excluded.cancelled,
    shipped = known.shipped OR excluded.shipped,
    touched_at = now()`;

/** Whose the orders are, in the table `known_order`. */
export function createOrderTable(): OrderBook {
  return {
    async note(tx, notes) {
      const merged = [...mergeByOrder(notes).values()];
      if (merged.length === 0) return;
      const values = [
        merged.map(({ orderId }) => orderId),
        merged.map(({ customerId }) => customerId ?? null),
        merged.map(({ total }) => total?.cents ?? null),
        merged.map(({ total }) => total?.currency ?? null),
        merged.map(({ cancelled }) => cancelled),
        merged.map(({ shipped }) => shipped),
      ];
      await tx.query({ name: 'warren-notification/note-orders', text: NOTE_ORDERS, values });
    },
  };
}

/** One statement must not meet a row twice. */
function mergeByOrder(notes: readonly OrderNote[]): Map<string, OrderNote> {
  const merged = new Map<string, OrderNote>();
  for (const note of notes) {
    const before = merged.get(note.orderId);
    const cancelled = note.cancelled || before?.cancelled === true;
    const shipped = note.shipped || before?.shipped === true;
    merged.set(note.orderId, { ...before, ...note, cancelled, shipped });
  }
  return merged;
}
