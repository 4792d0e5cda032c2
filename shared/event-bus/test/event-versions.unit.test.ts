import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createCatalogue, createEvent, type EventOf } from '@warren/contracts';
import { sale as first, Sold, SoldV1, waitUntil } from '@warren/testing';
import { createClassHandler, createInMemoryBus, type EventBus, EventHandler, MemoryBroker } from '../src/index.ts';

const queue = 'sales_of_a_test';
const v1 = () => createEvent(SoldV1, { aggregateId: first.id, source: 'sale', data: first });
const v2 = () => createEvent(Sold, { aggregateId: first.id, source: 'sale', data: { ...first, currency: 'EUR' } });

/** What a current service knows. */
const catalogue = createCatalogue([Sold]);
/** What a service of the previous release knows. */
const released = createCatalogue([SoldV1]);

let broker: MemoryBroker;
let producer: EventBus<typeof Sold>;
let buses: { close(): Promise<void> }[];

beforeEach(async () => {
  broker = new MemoryBroker();
  producer = createInMemoryBus({ service: 'sale', broker, catalogue });
  buses = [producer];
  await producer.connect();
});
afterEach(async () => {
  await Promise.all(buses.map((bus) => bus.close()));
  broker.close();
});

async function newConsumer(): Promise<EventBus<typeof Sold>> {
  const bus = createInMemoryBus({ service: 'stock', broker, catalogue });
  buses.push(bus);
  await bus.connect();
  return bus;
}

/** A consumer of the previous release; returns the events it handles. */
async function oldConsumer(): Promise<EventOf<typeof SoldV1>[]> {
  const bus = createInMemoryBus({ service: 'stock', broker, catalogue: released });
  buses.push(bus);
  await bus.connect();
  const handled: EventOf<typeof SoldV1>[] = [];
  const handler = async (event: EventOf<typeof SoldV1>) => void handled.push(event);
  await bus.subscribe({ queue, bindings: [SoldV1], handler });
  return handled;
}

describe('consumers of events of several versions', () => {
  test('when version 1 is in flight, then a handler of the latest version receives it as the latest, under its own id', async () => {
    const handled: EventOf<typeof Sold>[] = [];
    const bus = await newConsumer();
    await bus.subscribe({ queue, bindings: [Sold], handler: async (event) => void handled.push(event) });
    const [sent, latest] = [v1(), v2()];
    await producer.tryPublish(sent);
    await producer.tryPublish(latest);
    await waitUntil(() => handled.length === 2);
    expect(handled).toEqual([{ ...sent, version: 2, data: { ...first, currency: 'USD' } }, latest]);
  });

  test('when a queue is bound by a pattern, then its handler receives the latest version', async () => {
    const handled: number[] = [];
    const bus = await newConsumer();
    const pattern = { exchange: Sold.exchange, routingKey: 'sale.*' };
    await bus.subscribe({ queue, bindings: [pattern], handler: async ({ version }) => void handled.push(version) });
    await producer.tryPublish(v1());
    await waitUntil(() => handled.length === 1);
    expect(handled).toEqual([2]);
  });

  test('when version 1 is in a stream, then its reader receives the latest version', async () => {
    const bus = await newConsumer();
    const read: unknown[] = [];
    const end = new AbortController();
    const reading = (async () => {
      const batches = bus.readStream({ queue, from: 'first', signal: end.signal });
      for await (const { events } of batches) read.push(...events.map(({ event }) => event));
    })();
    const consumers = () => bus.health().details?.consumers as Record<string, string> | undefined;
    await waitUntil(() => consumers()?.[queue] === 'consuming');
    const sent = v1();
    await producer.tryPublish(sent);
    await waitUntil(() => read.length === 1);
    expect(read).toEqual([{ ...sent, version: 2, data: { ...first, currency: 'USD' } }]);
    end.abort();
    await reading;
  });

  test('when a class has a method for each version, then each receives what was published, and nothing is upcast', async () => {
    const handled: unknown[] = [];
    class Sales {
      @EventHandler(SoldV1)
      async first({ data }: EventOf<typeof SoldV1>) {
        handled.push(data);
      }

      @EventHandler(Sold)
      async latest({ data }: EventOf<typeof Sold>) {
        handled.push(data.currency);
      }
    }
    const bus = await newConsumer();
    const handler = createClassHandler(new Sales());
    await bus.subscribe({ queue, bindings: [SoldV1, Sold], handler });
    await producer.tryPublish(v1());
    await producer.tryPublish(v2());
    await waitUntil(() => handled.length === 2);
    expect(handled).toEqual([first, 'EUR']);
  });

  test('when version 1 is published to an old and a new consumer of one queue, then both handle their share and nothing is lost', async () => {
    const old = await oldConsumer();
    const latest: string[] = [];
    const bus = await newConsumer();
    await bus.subscribe({
      queue,
      bindings: [Sold],
      handler: async ({ data }) => void latest.push(data.currency),
    });
    const send = () => Promise.all(Array.from({ length: 10 }, () => producer.tryPublish(v1())));
    await send();
    await waitUntil(() => old.length + latest.length === 10);
    expect(old.length).toBeGreaterThan(0);
    expect(latest.length).toBeGreaterThan(0);
    expect(new Set(latest)).toEqual(new Set(['USD']));
    expect(broker.messages(`${queue}.dlq`)).toEqual([]);
  });

  test('when version 2 reaches a consumer that knows only version 1, then it is dead-lettered unchanged, with the reason', async () => {
    const old = await oldConsumer();
    const event = v2();
    await producer.tryPublish(event);
    const letter = await waitUntil(() => broker.messages(`${queue}.dlq`)[0]);
    expect(old).toEqual([]);
    expect(JSON.parse(String(letter.body))).toEqual(event);
    expect(Object.values(letter.properties.headers ?? {})).toContain('EVENT_VERSION_UNKNOWN');
  });
});
