import { afterEach, beforeEach, jest } from '@jest/globals';
import type { Channel } from 'amqplib';
import { PoisonGuard } from '../src/amqp/poison-guard.ts';
import type { Delivery } from '../src/message.ts';
import { FakeChannel } from './fake-channel.ts';

/** A poison guard on a fake channel, and what it has reported. */
export interface GuardedChannel {
  channel: FakeChannel;
  guard: PoisonGuard;
  /** The delivered messages, in order. */
  names(): string[];
  ack(name: string): void;
  /** Each suspect with its returns. */
  suspects: string[];
  /** How many deliveries were unsettled, each time that something was stuck. */
  stuck: number[];
  /** One entry for each time that the broker has cancelled the consumer. */
  cancels: true[];
  ended: unknown[];
}

/** Everything in flight, including the acknowledgements of the next turn. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
}

/** Fakes the timers of the calling suite's tests. */
export function useFakeClock(): void {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });
}

/** A guard that has started to consume. */
export async function guardChannel(prefetch = 100, inHand = 1): Promise<GuardedChannel> {
  const channel = new FakeChannel();
  const deliveries = new Map<string, Delivery>();
  const reports = { suspects: [] as string[], stuck: [] as number[], cancels: [] as true[], ended: [] as unknown[] };
  const guard = new PoisonGuard({
    channel: channel as unknown as Channel,
    queue: 'stock',
    prefetch,
    inHand,
    onDelivery: (delivery) => void deliveries.set(String(delivery.properties.messageId), delivery),
    onSuspect: ({ properties }, returns) => void reports.suspects.push(`${properties.messageId} ${returns}`),
    onStuck: (unsettled) => void reports.stuck.push(unsettled),
    onCancelled: () => void reports.cancels.push(true),
    onEnded: (error) => void reports.ended.push(error),
  });
  await guard.start();
  return {
    channel,
    guard,
    names: () => [...deliveries.keys()],
    ack: (name) => deliveries.get(name)?.ack(),
    ...reports,
  };
}

/** Lets the first message make the guard consume many. */
export async function widen({ channel, ack }: GuardedChannel): Promise<void> {
  channel.deliver('narrow-1', 'first');
  await settled();
  ack('first');
  await settled();
}
