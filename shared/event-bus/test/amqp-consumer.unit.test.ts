import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { silentLogger } from '@warren/kernel';
import type { ChannelModel } from 'amqplib';
import { AmqpConsumer } from '../src/amqp/amqp-consumer.ts';
import type { AmqpLink, LinkSetup } from '../src/amqp/amqp-link.ts';

const SECOND = 1000;

let setUp: LinkSetup;
let link: { model: ChannelModel };
let opened: number[];
let cancelNext: boolean;
let consumer: AmqpConsumer;

/** A connection whose channels accept everything, and close when they are asked to. */
function fakeConnection(): ChannelModel {
  const createChannel = async () => {
    opened.push(Date.now());
    const channel = new EventEmitter();
    const cancelAtOnce = cancelNext;
    cancelNext = false;
    return Object.assign(channel, {
      prefetch: async () => undefined,
      checkQueue: async () => ({ messageCount: 0, consumerCount: 1 }),
      consume: async (_: string, onMessage: (message: null) => void) => {
        if (cancelAtOnce) onMessage(null);
      },
      close: async () => void channel.emit('close'),
    });
  };
  return { createChannel } as unknown as ChannelModel;
}

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
  opened = [];
  cancelNext = false;
  const add = (setup: LinkSetup) => {
    setUp = setup;
    return setup(link.model);
  };
  link = Object.assign({ model: fakeConnection() }, { state: 'connected', add, remove: () => undefined });
  consumer = new AmqpConsumer({
    link: link as unknown as AmqpLink,
    logger: silentLogger,
    queue: 'stock',
    plan: { exchanges: [], queues: [], bindings: [] },
    prefetch: 1,
    onTopology: () => undefined,
    onDelivery: () => undefined,
    onLost: () => undefined,
  });
});
afterEach(async () => {
  await consumer.close();
  jest.useRealTimers();
});

/** When the channels after the first were opened, in seconds since the one before; what was a timer of 0 ms counts as nothing. */
const pauses = () => opened.slice(1).map((at, index) => Math.round((at - (opened[index] ?? 0)) / SECOND));

describe('a consumer on RabbitMQ', () => {
  test('when the cancel comes before it is set up, then it is consumed again on another channel', async () => {
    cancelNext = true;
    await consumer.start();
    expect(consumer.isConsuming()).toBe(false);
    await jest.advanceTimersByTimeAsync(SECOND);
    expect(consumer.isConsuming()).toBe(true);
    expect(opened).toHaveLength(2);
  });

  test('when it stays idle, then it is made anew ever more seldom, down to once a minute', async () => {
    await consumer.start();
    await jest.advanceTimersByTimeAsync(240 * SECOND);
    expect(pauses()).toEqual([15, 30, 60, 60, 60]);
    expect(consumer.isConsuming()).toBe(true);
  });

  test('when there is a new connection, then it is made anew as soon as at the beginning', async () => {
    await consumer.start();
    await jest.advanceTimersByTimeAsync(60 * SECOND);
    expect(pauses()).toEqual([15, 30]);
    opened = [];
    link.model = fakeConnection();
    await setUp(link.model);
    await jest.advanceTimersByTimeAsync(60 * SECOND);
    expect(pauses()).toEqual([15, 30]);
  });
});
