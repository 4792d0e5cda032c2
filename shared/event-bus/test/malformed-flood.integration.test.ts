import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestVhost, type TestVhost, uniqueName, waitUntil } from '@warren/testing';
import { connect } from 'amqplib';
import { DeadLetters, EventBus } from '../src/index.ts';
import { Placed, placed, shopCatalogue } from './shop-events.ts';

const COUNT = 4_000;
/** The ids that this test keeps take about 4 MB; half of the messages with their deliveries would take several times that. */
const MAX_GROWTH_BYTES = 6 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Memory still held after a garbage collection, since a busy process has much garbage. */
function retainedBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

let vhost: TestVhost;
let bus: EventBus<typeof Placed>;
let letters: DeadLetters;

beforeAll(async () => {
  vhost = await createTestVhost();
  bus = new EventBus({ url: vhost.amqpUrl, service: 'shop', catalogue: shopCatalogue as never, topology: [] });
  await bus.connect();
  letters = await DeadLetters.connect({ url: vhost.amqpUrl });
});
afterAll(async () => {
  await letters.close();
  await bus.close();
  await vhost.close();
});

/** Unique bytes that are not an event, for one of several reasons. */
function malformed(index: number): Buffer {
  const kinds = [
    Buffer.concat([Buffer.from(`{"n":${index},"broken":`), Buffer.alloc(index % 50, 0xff)]),
    Buffer.from(`${index} is no JSON`),
    Buffer.from(JSON.stringify({ n: index, id: null })),
    Buffer.from(JSON.stringify({ ...placed(1), data: { pieces: -index } })),
  ];
  return kinds[index % kinds.length] ?? Buffer.alloc(0);
}

test('when 4,000 malformed messages arrive among 4,000 good ones, then all good ones are handled, all bad ones are dead letters byte for byte, and memory is flat', async () => {
  const queue = uniqueName('flood');
  const handled = new Set<string>();
  const batchHandler = async (deliveries: readonly { event: { id: string } }[]) => {
    for (const { event } of deliveries) handled.add(event.id);
  };
  const subscription = await bus.subscribe({ queue, bindings: [Placed], batchHandler });
  const before = retainedBytes();
  const bad = new Set<string>();
  const good = new Set<string>();
  const connection = await connect(vhost.amqpUrl);
  const channel = await connection.createConfirmChannel();
  for (let index = 0; index < COUNT; index += 1) {
    const body = malformed(index);
    bad.add(body.toString('base64'));
    const event = placed(index + 1);
    good.add(event.id);
    channel.publish('', queue, body, { messageId: `bad-${index}`, persistent: true });
    channel.publish('', queue, Buffer.from(JSON.stringify(event)), { messageId: event.id, persistent: true });
    if (index % 500 === 499) await channel.waitForConfirms();
  }
  await waitUntil(async () => handled.size === COUNT && (await letters.count(queue)) === COUNT, {
    what: 'all good ones handled and all bad ones dead letters',
    timeoutMs: 300_000,
  });
  await subscription.cancel();
  await connection.close();
  expect(handled).toEqual(good);
  // The broker's client and the last confirms release their memory a moment later.
  await waitUntil(
    () => {
      const growth = retainedBytes() - before;
      if (growth > MAX_GROWTH_BYTES) throw new Error(`${Math.round(growth / 1_048_576)} MiB more are held`);
      return true;
    },
    { what: 'flat memory', intervalMs: 250 },
  );
  const found = await letters.list(queue);
  expect(new Set(found.map(({ body }) => body.toString('base64')))).toEqual(bad);
  expect(found.filter(({ reason }) => reason !== 'invalid')).toEqual([]);
  expect((await letters.list(queue, { limit: 1 }))[0]?.body).toEqual(malformed(0));
});
