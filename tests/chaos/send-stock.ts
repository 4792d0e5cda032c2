import { createEvent, ReceiveStock } from '@warren/contracts';
import { SCARCE } from './client-load.ts';
import type { ClientRecord, OrderLine } from './client-record.ts';
import type { Observer } from './observer.ts';
import type { Random } from './random.ts';

export interface SendStockOptions {
  observer: Pick<Observer, 'publish'>;
  record: ClientRecord;
  random: Random;
  /** How often the same message is published. */
  times: number;
}

/** Sends some pieces of a product that runs out, and notes that they are owed. */
export async function sendStock({ observer, record, random, times }: SendStockOptions): Promise<OrderLine> {
  const data = { productId: random.pick(SCARCE), quantity: random.integer(1, 6) };
  const event = createEvent(ReceiveStock, { aggregateId: data.productId, data, source: 'chaos' });
  const { exchange, routingKey, type } = ReceiveStock;
  const properties = { messageId: event.id, type, contentType: 'application/json', persistent: true };
  // Before it is sent: also when the confirm is lost it may be there, and it is sent until it is confirmed.
  record.receipts.set(event.id, data);
  const body = Buffer.from(JSON.stringify(event));
  for (let sent = 0; sent < times; sent += 1) await observer.publish({ exchange, routingKey, body, properties });
  return data;
}
