import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Channel } from 'amqplib';
import { PoisonGuard } from '../src/amqp/poison-guard.ts';
import type { Delivery } from '../src/message.ts';
import { FakeChannel } from './fake-channel.ts';

let channel: FakeChannel;
let guard: PoisonGuard;
let deliveries: Map<string, Delivery>;
let suspects: string[];
let cancels: number;
let ended: unknown[];
let stuck: number[];

const createGuard = (prefetch = 100) =>
  new PoisonGuard({
    channel: channel as unknown as Channel,
    queue: 'stock',
    prefetch,
    onDelivery: (delivery) => void deliveries.set(String(delivery.properties.messageId), delivery),
    onSuspect: ({ properties }, returns) => void suspects.push(`${properties.messageId} ${returns}`),
    onStuck: (unsettled) => void stuck.push(unsettled),
    onCancelled: () => {
      cancels += 1;
    },
    onEnded: (error) => void ended.push(error),
  });

/** Everything in flight, including the acknowledgements of the next turn. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
}

const names = () => [...deliveries.keys()];
const ack = (name: string) => deliveries.get(name)?.ack();

async function wide(): Promise<void> {
  channel.deliver('narrow-1', 'first');
  await settled();
  ack('first');
  await settled();
}

const STUCK_AFTER_MS = 30_000;

async function pass(ms: number): Promise<void> {
  await settled();
  jest.advanceTimersByTime(ms);
  await settled();
}

beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  channel = new FakeChannel();
  deliveries = new Map();
  suspects = [];
  cancels = 0;
  ended = [];
  stuck = [];
  guard = createGuard();
  await guard.start();
});

afterEach(() => {
  jest.useRealTimers();
});

describe('the poison guard of a channel', () => {
  test('when nothing has arrived yet, then it consumes one message', () => {
    expect(channel.said).toEqual(['prefetch 1', 'consume narrow-1']);
  });

  test.each([0, 1, 2])('when a message came back %i times, then it consumes many', async (returns) => {
    channel.deliver('narrow-1', 'first', returns);
    await settled();
    expect(names()).toEqual(['first']);
    expect(channel.said.slice(2)).toEqual(['cancel narrow-1', 'prefetch 100', 'consume wide-2']);
    expect(suspects).toEqual([]);
  });

  test('when the first message is settled at once, then it is acknowledged after the narrow consumer has ended', async () => {
    const answer = channel.holdAnswers();
    channel.deliver('narrow-1', 'first');
    ack('first');
    await settled();
    expect(channel.said.slice(2)).toEqual([]);
    answer();
    await settled();
    expect(channel.said.filter((said) => /^(cancel|ack)/.test(said))).toEqual(['cancel narrow-1', 'ack ≤1']);
  });

  test('when the prefetch is 1, then it stays narrow', async () => {
    channel = new FakeChannel();
    guard = createGuard(1);
    await guard.start();
    channel.deliver('narrow-1', 'first');
    await settled();
    expect(channel.said).toEqual(['prefetch 1', 'consume narrow-1']);
  });

  test.each(['x-delivery-count', 'x-acquired-count'])(
    'when a message came back 3 times (%s), then it is delivered alone',
    async (header) => {
      channel.deliver('narrow-1', 'bad', 3, header);
      await settled();
      expect(names()).toEqual(['bad']);
      expect(suspects).toEqual(['bad 3']);
      expect(channel.said).toHaveLength(2);
    },
  );

  test('when a suspect arrives among many, then it is held until all others are settled and the broker knows', async () => {
    await wide();
    channel.deliver('wide-2', 'good 1');
    channel.deliver('wide-2', 'bad', 7);
    channel.deliver('wide-2', 'good 2');
    await settled();
    expect(names()).toEqual(['first', 'good 1', 'good 2']);
    expect(guard.consumes).toBe(false);
    expect(guard.serving).toBe(true);
    ack('good 2');
    await settled();
    expect(names()).not.toContain('bad');
    ack('good 1');
    await settled();
    expect(names()).toContain('bad');
    expect(channel.said.slice(-4)).toEqual(['cancel wide-2', 'ack 4', 'ack ≤2', 'prefetch 1']);
  });

  test('when the suspect is settled, then it consumes one message again, and then many', async () => {
    await wide();
    channel.deliver('wide-2', 'bad', 3);
    await settled();
    ack('bad');
    await settled();
    expect(channel.said.slice(-2)).toEqual(['prefetch 1', 'consume narrow-3']);
    channel.deliver('narrow-3', 'good');
    await settled();
    expect(channel.said.slice(-3)).toEqual(['cancel narrow-3', 'prefetch 100', 'consume wide-4']);
  });

  test('when several suspects are held, then they are delivered one by one, the most suspicious last', async () => {
    await wide();
    for (const [name, returns] of [
      ['killer', 9],
      ['neighbour', 4],
      ['other', 3],
    ] as const) {
      channel.deliver('wide-2', name, returns);
    }
    await settled();
    const order = [];
    for (const name of ['other', 'neighbour', 'killer']) {
      order.push(names().at(-1));
      ack(name);
      await settled();
    }
    expect(order).toEqual(['other', 'neighbour', 'killer']);
    expect(names()).toHaveLength(4);
  });

  test('when a suspect arrives right after the first message, then no consumer is left before it is delivered', async () => {
    channel.deliver('narrow-1', 'good');
    await settled();
    channel.deliver('wide-2', 'bad', 3);
    await settled();
    expect(names()).toEqual(['good']);
    ack('good');
    await settled();
    expect(names()).toEqual(['good', 'bad']);
    expect(channel.consumers.size).toBe(0);
  });

  test('when it is stopped while it widens, then no consumer is left', async () => {
    channel.deliver('narrow-1', 'good');
    await guard.stop();
    expect(channel.consumers.size).toBe(0);
    expect(guard.serving).toBe(false);
  });

  test('when it is stopped while a suspect is held, then that is not delivered, and nothing is consumed again', async () => {
    await wide();
    channel.deliver('wide-2', 'good');
    channel.deliver('wide-2', 'bad', 3);
    await settled();
    await guard.stop();
    channel.failing = new Error('channel closing');
    ack('good');
    await settled();
    expect(names()).toEqual(['first', 'good']);
    expect(channel.consumers.size).toBe(0);
    expect(ended).toEqual([]);
  });

  test('when the broker cancels the consumers while it widens, then that is reported once', async () => {
    channel.deliver('narrow-1', 'good');
    for (const consumer of [...channel.consumers.values()]) consumer(null);
    await settled();
    for (const consumer of [...channel.consumers.values()]) consumer(null);
    expect(cancels).toBe(1);
    expect(guard.serving).toBe(false);
  });

  test('when the channel ends while it widens, then that is reported', async () => {
    channel.failing = new Error('channel ended');
    channel.deliver('narrow-1', 'good');
    await settled();
    expect(ended).toEqual([channel.failing]);
  });
});

describe('a poison guard whose handlers do not end', () => {
  test('when nothing is settled for 30 s, then the suspect is delivered alongside the stuck messages, and the queue continues', async () => {
    await wide();
    channel.deliver('wide-2', 'endless');
    channel.deliver('wide-2', 'bad', 3);
    await pass(STUCK_AFTER_MS - 1);
    expect(names()).toEqual(['first', 'endless']);
    await pass(1);
    expect(names()).toEqual(['first', 'endless', 'bad']);
    expect(stuck).toEqual([1]);
    ack('bad');
    await settled();
    channel.deliver('narrow-3', 'good');
    await settled();
    expect(channel.said.slice(-3)).toEqual(['cancel narrow-3', 'prefetch 100', 'consume wide-4']);
  });

  test('when something is settled now and then, then the suspect keeps waiting', async () => {
    await wide();
    for (const name of ['slow 1', 'slow 2', 'slow 3']) channel.deliver('wide-2', name);
    channel.deliver('wide-2', 'bad', 3);
    for (const name of ['slow 1', 'slow 2']) {
      await pass(STUCK_AFTER_MS - 1);
      ack(name);
      await settled();
    }
    await pass(STUCK_AFTER_MS - 1);
    expect(names()).not.toContain('bad');
    expect(stuck).toEqual([]);
  });

  test('when several suspects are held, then all are delivered at once', async () => {
    await wide();
    channel.deliver('wide-2', 'endless');
    channel.deliver('wide-2', 'killer', 9);
    channel.deliver('wide-2', 'neighbour', 4);
    await pass(STUCK_AFTER_MS);
    expect(names().slice(-2)).toEqual(['neighbour', 'killer']);
    expect(channel.said.at(-1)).toBe('consume narrow-3');
  });

  test('when another suspect arrives later, then it waits for newer messages, but not for stuck ones', async () => {
    await wide();
    channel.deliver('wide-2', 'endless');
    channel.deliver('wide-2', 'bad', 3);
    await pass(STUCK_AFTER_MS);
    ack('bad');
    await settled();
    channel.deliver('narrow-3', 'good 1');
    await settled();
    channel.deliver('wide-4', 'good 2');
    channel.deliver('wide-4', 'worse', 3);
    ack('good 1');
    ack('endless');
    await settled();
    expect(names()).not.toContain('worse');
    ack('good 2');
    await settled();
    expect(names()).toContain('worse');
    expect(stuck).toEqual([1]);
  });

  test('when the suspect itself does not end, then the others are consumed alongside it', async () => {
    channel.deliver('narrow-1', 'endless', 3);
    await pass(STUCK_AFTER_MS - 1);
    expect(channel.said).toHaveLength(2);
    await pass(1);
    expect(channel.said.slice(2)).toEqual(['cancel narrow-1', 'prefetch 100', 'consume wide-2']);
    expect(stuck).toEqual([1]);
    channel.deliver('wide-2', 'bad', 3);
    await settled();
    expect(names()).toEqual(['endless', 'bad']);
  });

  test('when the suspect ends in time, then it stays narrow', async () => {
    channel.deliver('narrow-1', 'bad', 3);
    await pass(STUCK_AFTER_MS - 1);
    ack('bad');
    await pass(2 * STUCK_AFTER_MS);
    expect(channel.said).toEqual(['prefetch 1', 'consume narrow-1', 'ack ≤1']);
    expect(stuck).toEqual([]);
  });

  test.each(['narrow-1', 'wide-2'])('when it was stopped before (%s), then nothing is reported', async (consumer) => {
    if (consumer === 'wide-2') {
      await wide();
      channel.deliver(consumer, 'endless');
    }
    channel.deliver(consumer, 'bad', 3);
    await settled();
    const deliveredBefore = names();
    await guard.stop();
    channel.failing = new Error('channel closing');
    await pass(STUCK_AFTER_MS);
    expect(names()).toEqual(deliveredBefore);
    expect([...stuck, ...ended]).toEqual([]);
  });
});
