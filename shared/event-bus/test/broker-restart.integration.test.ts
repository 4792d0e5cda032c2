import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestBroker, type TestBroker, waitUntil } from '@warren/testing';
import { EventBus } from '../src/index.ts';
import { Placed, placed, shopCatalogue } from './shop-events.ts';

let broker: TestBroker;
let bus: EventBus<(typeof shopCatalogue.contracts)[number]>;

beforeAll(async () => {
  broker = await startTestBroker();
  const options = { service: 'shop', catalogue: shopCatalogue, topology: [] };
  bus = new EventBus({ url: broker.amqpUrl, ...options });
});
afterAll(async () => {
  await bus.close();
  await broker.close();
});

test('when the broker is killed under load and comes back, then every event is handled and the consumer lives (in-flight ack during a restart)', async () => {
  const handled = new Set<string>();
  let tellHalf: () => void = () => undefined;
  const half = new Promise<void>((resolve) => {
    tellHalf = resolve;
  });
  await bus.connect();
  await bus.subscribe({
    queue: 'shop_placed',
    bindings: [Placed],
    handler: async ({ id }) => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      handled.add(id);
      if (handled.size === 1000) tellHalf();
    },
  });
  await broker.sync();
  const events = Array.from({ length: 2000 }, (_, index) => placed(index + 1));
  /** As the relay does it: again under the same id, until the broker has it. */
  const publishing = Promise.all(
    events.map(async (event) => {
      for (let sent = await bus.send(event); sent.status !== 'confirmed'; ) sent = await bus.send(event);
    }),
  );
  await half;
  await broker.kill();
  await waitUntil(() => !bus.isHealthy());
  await broker.start();
  await publishing;
  await waitUntil(() => handled.size === events.length, { what: 'every event to be handled' });
  expect(handled).toEqual(new Set(events.map(({ id }) => id)));
  await waitUntil(() => bus.isHealthy(), { what: 'the bus to be healthy' });
  const later = placed(2001);
  await bus.publish(later);
  await waitUntil(() => handled.has(later.id), { what: 'an event after all that' });
});
