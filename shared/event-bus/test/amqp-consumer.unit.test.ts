import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createAlerts, type Logger, silentLogger } from '@warren/kernel';
import type { ChannelModel, ConsumeMessage } from 'amqplib';
import { AmqpConsumer } from '../src/amqp/amqp-consumer.ts';
import type { AmqpLink, LinkSetup } from '../src/amqp/amqp-link.ts';
import { REDECLARE_PAUSE_MS } from '../src/amqp/redeclare-pause.ts';

const SECOND = 1000;

let setUp: LinkSetup;
let link: { model: ChannelModel };
let opened: number[];
let cancelNext: boolean;
let deliver: (message: ConsumeMessage | null) => void;
let errors: unknown[];
let consumer: AmqpConsumer;

/** A connection whose channels accept everything except a wide consumer, which stays unanswered, and close on request. */
function fakeConnection(): ChannelModel {
  const createChannel = async () => {
    opened.push(Date.now());
    const channel = new EventEmitter();
    const cancelAtOnce = cancelNext;
    cancelNext = false;
    let refuse: (reason: Error) => void = () => undefined;
    const closing = new Promise<void>((_, reject) => {
      refuse = reject;
    });
    closing.catch(() => undefined);
    return Object.assign(channel, {
      prefetch: async () => undefined,
      checkQueue: async () => ({ messageCount: 0, consumerCount: 1 }),
      cancel: async () => undefined,
      consume: async (_: string, onMessage: typeof deliver, { consumerTag }: { consumerTag: string }) => {
        deliver = onMessage;
        if (cancelAtOnce) onMessage(null);
        if (consumerTag.startsWith('wide')) await closing;
      },
      close: async () => {
        refuse(new Error('channel closing'));
        // As in amqplib: the pending request fails at once, the channel ends with the broker's answer.
        for (let turn = 0; turn < 10; turn += 1) await undefined;
        channel.emit('close');
      },
    });
  };
  return { createChannel } as unknown as ChannelModel;
}

function createConsumer(prefetch: number): AmqpConsumer {
  const logger = { ...silentLogger, error: (facts: unknown) => void errors.push(facts) } as Logger;
  return new AmqpConsumer({
    link: link as unknown as AmqpLink,
    logger,
    queue: 'stock',
    plan: { exchanges: [], queues: [], bindings: [] },
    prefetch,
    inHand: 1,
    declare: async () => undefined,
    alerts: createAlerts(),
    onDelivery: () => undefined,
    onLost: () => undefined,
  });
}

/** The first message, which makes the consumer widen. */
const first = () =>
  deliver({ fields: { deliveryTag: 1, redelivered: false }, properties: {} } as unknown as ConsumeMessage);

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
  opened = [];
  errors = [];
  cancelNext = false;
  const add = (setup: LinkSetup) => {
    setUp = setup;
    return setup(link.model);
  };
  link = Object.assign({ model: fakeConnection() }, { state: 'connected', add, remove: () => undefined });
  consumer = createConsumer(1);
});
afterEach(async () => {
  await consumer.close();
  jest.useRealTimers();
});

/** When each channel after the first was opened, in seconds after the previous one; a timer of 0 ms counts as 0. */
const pauses = () => opened.slice(1).map((at, index) => Math.round((at - (opened[index] ?? 0)) / SECOND));

describe('a consumer on RabbitMQ', () => {
  test('when the cancel arrives during setup, then the queue is consumed on another channel', async () => {
    cancelNext = true;
    await consumer.start();
    expect(consumer.isConsuming()).toBe(false);
    await jest.advanceTimersByTimeAsync(SECOND);
    expect(consumer.isConsuming()).toBe(true);
    expect(opened).toHaveLength(2);
  });

  test('when it stays idle, then it is renewed less and less often, down to once a minute', async () => {
    await consumer.start();
    await jest.advanceTimersByTimeAsync(240 * SECOND);
    expect(pauses()).toEqual([15, 30, 60, 60, 60]);
    expect(consumer.isConsuming()).toBe(true);
  });

  test('when there is a new connection, then it is renewed as early as at the start', async () => {
    await consumer.start();
    await jest.advanceTimersByTimeAsync(60 * SECOND);
    expect(pauses()).toEqual([15, 30]);
    opened = [];
    link.model = fakeConnection();
    await setUp(link.model);
    await jest.advanceTimersByTimeAsync(60 * SECOND);
    expect(pauses()).toEqual([15, 30]);
  });

  test('when it is closed while it widens, then that is not an error, and no other channel is opened', async () => {
    consumer = createConsumer(100);
    await consumer.start();
    first();
    await consumer.close();
    await jest.advanceTimersByTimeAsync(SECOND);
    expect(errors).toEqual([]);
    expect(opened).toHaveLength(1);
  });

  test('when the broker cancels it while it widens, then only one cancellation is reported', async () => {
    consumer = createConsumer(100);
    await consumer.start();
    first();
    deliver(null);
    await jest.advanceTimersByTimeAsync(REDECLARE_PAUSE_MS - 1);
    expect(errors).toEqual([]);
    expect(opened).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(opened).toHaveLength(2);
  });
});
