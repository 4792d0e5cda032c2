import { ReceiveStock } from '@shop/events/inventory';
import { createEvent } from '@warren/contracts';
import type { Observer } from '../system/observer.ts';
import type { ClientRecord, OrderLine } from './client-record.ts';

export interface SendStockOptions {
  observer: Pick<Observer, 'publish'>;
  record: ClientRecord;
  line: OrderLine;
  /** How often the same message is published. */
  times: number;
}

/** Adds pieces of a product to the stock by a message, and records that they are owed. */
export async function sendStock({ observer, record, line, times }: SendStockOptions): Promise<void> {
  const event = createEvent(ReceiveStock, { aggregateId: line.productId, data: line, source: 'chaos' });
  const { exchange, routingKey, type } = ReceiveStock;
  const properties = { messageId: event.id, type, contentType: 'application/json', persistent: true };
  // Recorded before it is sent: it may have arrived even if the confirm is lost, and it is sent until it is confirmed.
  record.receipts.set(event.id, line);
  const body = Buffer.from(JSON.stringify(event));
  for (let sent = 0; sent < times; sent += 1) await observer.publish({ exchange, routingKey, body, properties });
}
