import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type TestBroker, uniqueName, waitUntil } from '@warren/testing';
import { EventBus, type EventBusOptions } from '../src/index.ts';
import { Placed, placed, type ShopContract, shopCatalogue } from './shop-events.ts';
import { type StreamReading, startReading } from './stream-reading.ts';

/** Makes permanent what RabbitMQ does with streams while it starts: each step is the broker's own. The broker must run before the suite does. */
export function describeStreamRecovery(getBroker: () => TestBroker): void {
  describe('a stream that returns after its broker', () => defineTests(getBroker));
}

function defineTests(getBroker: () => TestBroker): void {
  let stream: string;
  let taker: string;
  let reading: StreamReading;
  const buses: EventBus<ShopContract>[] = [];

  beforeEach(async () => {
    stream = uniqueName('events');
    taker = uniqueName('taker');
    const reader = await connected();
    reading = await startReading(reader, { queue: stream, from: 'first', prefetch: 1000 });
  });
  afterEach(async () => {
    await reading.stop();
    await Promise.all(buses.splice(0).map((bus) => bus.close()));
  });

  function newBus(more: Partial<EventBusOptions<ShopContract>> = {}): EventBus<ShopContract> {
    const bus = new EventBus({
      url: getBroker().amqpUrl,
      service: 'shop',
      catalogue: shopCatalogue,
      topology: [
        { queue: taker, bindings: [Placed] },
        { queue: stream, bindings: [{ exchange: 'shop', routingKey: '#' }], stream: true },
      ],
      ...more,
    });
    buses.push(bus);
    return bus;
  }

  async function connected(more?: Partial<EventBusOptions<ShopContract>>): Promise<EventBus<ShopContract>> {
    const bus = newBus(more);
    await bus.connect();
    return bus;
  }

  /** Erlang code with `Name` bound to the stream's name. */
  const evaluate = (code: string) =>
    getBroker().control(['eval', `Name = {resource, <<"/">>, queue, <<"${stream}">>}, ${code}`]);
  const LEADER = '[Queue] = ets:lookup(rabbit_queue, Name), Leader = amqqueue:get_pid(Queue)';

  test('when the broker has a stream that it does not serve yet, then nothing is published before it does, though another queue would take it', async () => {
    // As between the first connection and the election of the stream's leader.
    await evaluate('mnesia:dirty_delete(rabbit_queue, Name).');
    const bus = newBus();
    await bus.connect({ wait: false });
    const published = sendAll(bus, 1);
    await waitUntil(() => String(bus.health().details?.failure).includes('not served yet'), { what: 'the reason' });
    expect(bus.canPublish()).toBe(false);
    await evaluate(
      '[Queue] = ets:lookup(rabbit_durable_queue, Name), rabbit_amqqueue:ensure_rabbit_queue_record_is_initialized(Queue).',
    );
    await published;
    await reading.given(1);
  });

  test('when messages have failed, and the stream then gets another leader, then the stream still receives every event', async () => {
    const bus = await connected({ retry: { maxAttempts: 2, baseMs: 50 } });
    let tries = 0;
    const fail = async () => {
      tries += 1;
      throw new Error('as ever');
    };
    const subscription = await bus.subscribe({ queue: taker, bindings: [Placed], handler: fail });
    await bus.publishAll([placed(1), placed(2)]);
    await waitUntil(() => tries === 4, { what: 'two attempts of each' });
    await subscription.cancel();
    // Suspended: the following messages are unconfirmed when it dies.
    await evaluate(`${LEADER}, sys:suspend(Leader).`);
    const early = sendAll(bus, 20);
    await waitUntil(() => bus.health().details?.unconfirmed === 20, { what: 'events without a confirm' });
    await evaluate(`${LEADER}, exit(Leader, kill).`);
    const sent = [...(await early), ...(await sendAll(bus, 20))];
    await waitUntil(() => sent.every(({ id }) => reading.ids.includes(id)), { what: 'every event in the stream' });
  });

  /** Like the relay: republishes under the same id until the broker has it. */
  function sendAll(bus: EventBus<ShopContract>, count: number) {
    const events = Array.from({ length: count }, (_, index) => placed(index + 1));
    const send = async (event: (typeof events)[number]) => {
      for (let sent = await bus.tryPublish(event); sent.status !== 'confirmed'; ) sent = await bus.tryPublish(event);
      return event;
    };
    return Promise.all(events.map(send));
  }
}
