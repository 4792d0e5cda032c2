import { InventoryReserved } from '@shop/events/inventory';
import { OrderCreated } from '@shop/events/order';
import { QUEUES } from '@shop/events/topology';
import { createEvent } from '@warren/contracts';
import { createId } from '@warren/kernel';
import { digestOf } from '../judge/digest.ts';
import { queuesThatTake } from '../judge/queues.ts';
import { drawSupply } from '../load/products.ts';
import { sendStock } from '../load/send-stock.ts';
import type { Random } from '../random.ts';
import type { CapturedMessage } from '../system/observer.ts';
import type { FaultContext, FaultKind } from './fault.ts';

/** What comes over the exchanges that nobody asked for. */
export const messageFaults: Readonly<Record<string, FaultKind>> = {
  'copies out of order': { on: 'messages', weight: 8, durationMs: [0, 0], inject: publishCopies },
  poison: { on: 'messages', weight: 6, durationMs: [0, 0], inject: publishPoison },
  'stock command repeated': { on: 'messages', weight: 8, durationMs: [0, 0], inject: receiveStock },
  'messages taken by a stranger': { on: 'messages', weight: 4, durationMs: [500, 14_000], inject: takeMessages },
};

/** Copies of what was seen lately, old and new mixed, some of them twice. */
async function publishCopies({ system: { observer }, record, random }: FaultContext): Promise<string> {
  const genuine = observer.captured.filter(({ properties }) => !record.poison.has(String(properties.messageId)));
  const chosen = random.shuffle(genuine).slice(0, random.integer(20, 120));
  const repeated = chosen.filter(() => random.chance(0.2));
  for (const message of [...chosen, ...repeated]) await observer.publish(message);
  return `${chosen.length + repeated.length} copies`;
}

async function publishPoison({ system: { observer }, record, random }: FaultContext): Promise<string> {
  const count = random.integer(1, 10);
  for (let made = 0; made < count; made += 1) {
    const message = drawPoison(random);
    // Before it is sent: also when the confirm is lost it may be there.
    record.poison.set(String(message.properties.messageId), {
      queues: queuesThatTake(message),
      digest: digestOf(message.body),
    });
    await observer.publish(message);
  }
  return `${count} messages`;
}

/** Not JSON, no envelope, of an unknown type, without its data, about an order that does not exist. */
function drawPoison(random: Random): CapturedMessage {
  const messageId = createId();
  const address = random.pick([OrderCreated, InventoryReserved]);
  const envelope = { id: messageId, type: 'OrderCreated', version: 1, timestamp: new Date().toISOString() };
  const rest = { aggregateId: 'poison', metadata: { correlationId: 'c', causationId: 'c', source: 'chaos' } };
  const stranger = createEvent(InventoryReserved, {
    id: messageId,
    aggregateId: createId(),
    source: 'chaos',
    data: { orderId: createId(), reservations: [{ productId: 'nothing', quantity: 1 }] },
  });
  const made = random.pick<{ body: Buffer; to?: typeof InventoryReserved }>([
    { body: Buffer.from([0xff, 0xfe, 0x00, random.integer(0, 255)]) },
    { body: Buffer.from('{"id":') },
    { body: Buffer.from('[]') },
    { body: Buffer.from(JSON.stringify({ ...envelope, ...rest, data: {} })) },
    { body: Buffer.from(JSON.stringify({ ...envelope, ...rest, type: 'NeverHeardOf', data: {} })) },
    { body: Buffer.from(JSON.stringify(stranger)), to: InventoryReserved },
  ]);
  const { exchange, routingKey } = made.to ?? address;
  return { exchange, routingKey, body: made.body, properties: { messageId, persistent: true } };
}

/** Stock for a product that runs out; the message comes up to three times. */
async function receiveStock({ system: { observer }, record, random }: FaultContext): Promise<string> {
  const times = random.integer(2, 3);
  const line = drawSupply(random);
  await sendStock({ observer, record, line, times });
  return `${line.quantity} ${line.productId}, sent ${times} times`;
}

const MAY_MISS = [QUEUES.inventoryOrderCreated, QUEUES.orderInventoryReserved, QUEUES.orderInventoryUnavailable];

/**
 * Another consumer on a queue, as of a service that was pointed at the wrong broker: what it takes nobody else gets, and only the
 * deadline ends those orders. The rest it holds, at times for longer than the deadline, and returns in the end. Nothing could make up
 * for a cancellation, for stock, for what a payment hears or for a wish for a mail that is taken, so those queues are left alone.
 */
async function takeMessages({ system: { observer }, record, random, durationMs }: FaultContext): Promise<string> {
  const queue = random.pick(MAY_MISS);
  const before = record.taken.size;
  const claim = (id: string) =>
    !record.poison.has(id) && random.chance(0.5) && record.taken.add(`${queue} ${id}`).size > 0;
  await observer.take(queue, { forMs: durationMs, claim });
  return `${record.taken.size - before} of ${queue}`;
}
