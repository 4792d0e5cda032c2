import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Channel } from 'amqplib';
import { Intake } from '../src/amqp/intake.ts';
import type { Delivery } from '../src/message.ts';
import { FakeChannel } from './fake-channel.ts';

let channel: FakeChannel;
let intake: Intake;
let handed: Map<string, Delivery>;
let suspects: string[];
let cancels: number;
let ended: unknown[];
let stuck: number[];

const createIntake = (prefetch = 100) =>
  new Intake({
    channel: channel as unknown as Channel,
    queue: 'stock',
    prefetch,
    onDelivery: (delivery) => void handed.set(String(delivery.properties.messageId), delivery),
    onSuspect: ({ properties }, returns) => void suspects.push(`${properties.messageId} ${returns}`),
    onStuck: (unsettled) => void stuck.push(unsettled),
    onCancelled: () => {
      cancels += 1;
    },
    onEnded: (error) => void ended.push(error),
  });

/** Everything that is under way, acknowledgements of the next turn included. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
}

const names = () => [...handed.keys()];
const ack = (name: string) => handed.get(name)?.ack();

async function wide(): Promise<void> {
  channel.deliver('narrow-1', 'first');
  await settled();
  ack('first');
  await settled();
}

const PATIENCE_MS = 30_000;

async function pass(ms: number): Promise<void> {
  await settled();
  jest.advanceTimersByTime(ms);
  await settled();
}

beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  channel = new FakeChannel();
  handed = new Map();
  suspects = [];
  cancels = 0;
  ended = [];
  stuck = [];
  intake = createIntake();
  await intake.start();
});

afterEach(() => {
  jest.useRealTimers();
});

describe('the intake of a channel', () => {
  test('when nothing has come yet, then it takes one message', () => {
    expect(channel.said).toEqual(['prefetch 1', 'consume narrow-1']);
  });

  test.each([0, 1, 2])('when a message came back %i times, then it takes many', async (returns) => {
    channel.deliver('narrow-1', 'first', returns);
    await settled();
    expect(names()).toEqual(['first']);
    expect(channel.said.slice(2)).toEqual(['cancel narrow-1', 'prefetch 100', 'consume wide-2']);
    expect(suspects).toEqual([]);
  });

  test('when the first message is settled at once, then the broker hears of it after the narrow consumer has ended', async () => {
    const answer = channel.holdAnswers();
    channel.deliver('narrow-1', 'first');
    ack('first');
    await settled();
    expect(channel.said.slice(2)).toEqual([]);
    answer();
    await settled();
    expect(channel.said.filter((said) => /^(cancel|ack)/.test(said))).toEqual(['cancel narrow-1', 'ack ≤1']);
  });

  test('when no more than one is wanted, then it stays as it is', async () => {
    channel = new FakeChannel();
    intake = createIntake(1);
    await intake.start();
    channel.deliver('narrow-1', 'first');
    await settled();
    expect(channel.said).toEqual(['prefetch 1', 'consume narrow-1']);
  });

  test.each(['x-delivery-count', 'x-acquired-count'])(
    'when a message came back 3 times (%s), then it is handed on alone',
    async (header) => {
      channel.deliver('narrow-1', 'bad', 3, header);
      await settled();
      expect(names()).toEqual(['bad']);
      expect(suspects).toEqual(['bad 3']);
      expect(channel.said).toHaveLength(2);
    },
  );

  test('when a suspect comes among many, then it is held until all others are settled and the broker knows it', async () => {
    await wide();
    channel.deliver('wide-2', 'good 1');
    channel.deliver('wide-2', 'bad', 7);
    channel.deliver('wide-2', 'good 2');
    await settled();
    expect(names()).toEqual(['first', 'good 1', 'good 2']);
    expect(intake.consumes).toBe(false);
    expect(intake.serving).toBe(true);
    ack('good 2');
    await settled();
    expect(names()).not.toContain('bad');
    ack('good 1');
    await settled();
    expect(names()).toContain('bad');
    expect(channel.said.slice(-4)).toEqual(['cancel wide-2', 'ack 4', 'ack ≤2', 'prefetch 1']);
  });

  test('when the suspect is settled, then it takes one message again, and then many', async () => {
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

  test('when several suspects are held, then one is handed on after the other, the most suspicious last', async () => {
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

  test('when a suspect comes right behind the first message, then no consumer is left before it is handed on', async () => {
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
    await intake.stop();
    expect(channel.consumers.size).toBe(0);
    expect(intake.serving).toBe(false);
  });

  test('when it is stopped while a suspect is held, then that is not handed on, and nothing is consumed again', async () => {
    await wide();
    channel.deliver('wide-2', 'good');
    channel.deliver('wide-2', 'bad', 3);
    await settled();
    await intake.stop();
    channel.failing = new Error('channel closing');
    ack('good');
    await settled();
    expect(names()).toEqual(['first', 'good']);
    expect(channel.consumers.size).toBe(0);
    expect(ended).toEqual([]);
  });

  test('when the broker cancels the consumers while it widens, then that is told once', async () => {
    channel.deliver('narrow-1', 'good');
    for (const consumer of [...channel.consumers.values()]) consumer(null);
    await settled();
    for (const consumer of [...channel.consumers.values()]) consumer(null);
    expect(cancels).toBe(1);
    expect(intake.serving).toBe(false);
  });

  test('when the channel ends while it widens, then that is told', async () => {
    channel.failing = new Error('channel ended');
    channel.deliver('narrow-1', 'good');
    await settled();
    expect(ended).toEqual([channel.failing]);
  });
});

describe('an intake whose handlers do not end', () => {
  test('when nothing is settled for 30 s, then the suspect is handed on beside what is stuck, and the queue is consumed on', async () => {
    await wide();
    channel.deliver('wide-2', 'endless');
    channel.deliver('wide-2', 'bad', 3);
    await pass(PATIENCE_MS - 1);
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

  test('when something is settled now and then, then the suspect waits on', async () => {
    await wide();
    for (const name of ['slow 1', 'slow 2', 'slow 3']) channel.deliver('wide-2', name);
    channel.deliver('wide-2', 'bad', 3);
    for (const name of ['slow 1', 'slow 2']) {
      await pass(PATIENCE_MS - 1);
      ack(name);
      await settled();
    }
    await pass(PATIENCE_MS - 1);
    expect(names()).not.toContain('bad');
    expect(stuck).toEqual([]);
  });

  test('when several suspects are held, then all are handed on at once', async () => {
    await wide();
    channel.deliver('wide-2', 'endless');
    channel.deliver('wide-2', 'killer', 9);
    channel.deliver('wide-2', 'neighbour', 4);
    await pass(PATIENCE_MS);
    expect(names().slice(-2)).toEqual(['neighbour', 'killer']);
    expect(channel.said.at(-1)).toBe('consume narrow-3');
  });

  test('when another suspect comes later, then it waits for what came since, but not for what is stuck', async () => {
    await wide();
    channel.deliver('wide-2', 'endless');
    channel.deliver('wide-2', 'bad', 3);
    await pass(PATIENCE_MS);
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

  test('when the suspect itself does not end, then the others are consumed beside it', async () => {
    channel.deliver('narrow-1', 'endless', 3);
    await pass(PATIENCE_MS - 1);
    expect(channel.said).toHaveLength(2);
    await pass(1);
    expect(channel.said.slice(2)).toEqual(['cancel narrow-1', 'prefetch 100', 'consume wide-2']);
    expect(stuck).toEqual([1]);
    channel.deliver('wide-2', 'bad', 3);
    await settled();
    expect(names()).toEqual(['endless', 'bad']);
  });

  test('when the suspect ends in time, then it stays as it is', async () => {
    channel.deliver('narrow-1', 'bad', 3);
    await pass(PATIENCE_MS - 1);
    ack('bad');
    await pass(2 * PATIENCE_MS);
    expect(channel.said).toEqual(['prefetch 1', 'consume narrow-1', 'ack ≤1']);
    expect(stuck).toEqual([]);
  });

  test.each(['narrow-1', 'wide-2'])('when it was stopped before (%s), then nobody is told', async (consumer) => {
    if (consumer === 'wide-2') {
      await wide();
      channel.deliver(consumer, 'endless');
    }
    channel.deliver(consumer, 'bad', 3);
    await settled();
    const handedOn = names();
    await intake.stop();
    channel.failing = new Error('channel closing');
    await pass(PATIENCE_MS);
    expect(names()).toEqual(handedOn);
    expect([...stuck, ...ended]).toEqual([]);
  });
});
