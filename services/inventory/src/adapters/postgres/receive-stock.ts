import type { ReceiveStock } from '@shop/events/inventory';
import type { EventOf } from '@warren/contracts';
import { type MessageWriter, rows, sql, type Write } from '@warren/event-store';
import { type ProductQuantity, sumByProduct } from '../../domain/stock.ts';

/** Pieces that arrived: as initial stock, or by a message. */
export type Receipt = ProductQuantity & ({ kind: 'initial' } | { kind: 'received'; messageId: string });

/** Books received pieces into the ledger and the stock levels. */
export const receiveStock: MessageWriter<EventOf<typeof ReceiveStock>> = {
  log: {
    text: 'stock received',
    fieldsOf: ({ data: { productId, quantity } }) => ({ productId, quantity }),
  },
  writes: (messages, { now }) =>
    bookReceipts(
      messages.map(({ id, data: { productId, quantity } }) => ({
        ...{ productId, quantity },
        kind: 'received',
        messageId: id,
      })),
      now,
    ),
};

/** Adds pieces to the free stock. An unknown product becomes known. */
export function bookReceipts(receipts: readonly Receipt[], now: Date): Write[] {
  const columns = { kind: 'text', messageId: 'uuid', productId: 'text', quantity: 'bigint' } as const;
  return [
    sql`
      INSERT INTO stock_ledger (kind, message_id, product_id, delta, recorded_at)
      SELECT kind, message_id, product_id, quantity, ${now} FROM ${rows('receipt', columns, receipts)}`,
    sql`
      INSERT INTO stock_level AS level (product_id, available, updated_at)
      SELECT product_id, quantity, ${now}
        FROM ${rows('total', { productId: 'text', quantity: 'bigint' }, sumByProduct(receipts))}
       ORDER BY product_id COLLATE "C"
          ON CONFLICT (product_id) DO UPDATE
         SET available = level.available + excluded.available, updated_at = excluded.updated_at`,
  ];
}
