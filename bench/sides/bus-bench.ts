import { OrderCreated } from '@shop/events/order';
import { createCatalogue, createEvent } from '@warren/contracts';
import { createId } from '@warren/kernel';
import type { Measured } from '../harness/side-process.ts';
import { serveWorker } from '../harness/worker.ts';
import { inWindow } from './in-window.ts';

/** Never more messages sent and not confirmed: the bus's default. */
export const MAX_UNCONFIRMED = 1000;
/** Messages in hand of a consumer: the services' default. */
export const PREFETCH = 1000;

export const { exchange, routingKey } = OrderCreated;
export const catalogue = createCatalogue([OrderCreated]);

export type BenchEvent = ReturnType<typeof benchEvent>;

/** An order of two lines: about 660 bytes of JSON on the wire. */
export function benchEvent() {
  const id = createId();
  const now = new Date();
  return createEvent(OrderCreated, {
    aggregateId: id,
    now,
    source: 'bench',
    data: {
      id,
      customerId: 'customer-0001',
      items: [
        { productId: 'product-0001', quantity: 2, price: 9.99 },
        { productId: 'product-0002', quantity: 1, price: 24.5 },
      ],
      totalAmount: 44.48,
      currency: 'USD',
      status: 'pending',
      createdAt: now.toISOString(),
    },
  });
}

/** The AMQP properties that the bus sets, so that every side sends the same message. The time is that of now: cheaper to come by. */
export function propertiesOf(event: BenchEvent) {
  return {
    messageId: event.id,
    type: event.type,
    timestamp: Math.floor(Date.now() / 1000),
    correlationId: event.metadata.correlationId,
    appId: event.metadata.source,
    contentType: 'application/json',
    mandatory: true,
  };
}

/** What the bench tells a side by its environment. @throws when it is not told */
export function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: a side is started by the bench alone`);
  return value;
}

export function busBench(): { url: string; queue: string } {
  return { url: required('WARREN_BENCH_AMQP_URL'), queue: required('WARREN_BENCH_QUEUE') };
}

/** How much the side does in a run. */
export function workOfRun(): number {
  return Number(required('WARREN_BENCH_WORK'));
}

/** Publishes an event and calls back when it is confirmed. */
export type Publish = (event: BenchEvent, done: (error?: unknown) => void) => void;

/** Serves a side whose figure is events confirmed per second. The events are made before the clock runs. */
export function servePublishing(prepare: () => Promise<Publish>): Promise<void> {
  return serveWorker(async () => {
    const messages = workOfRun();
    const publish = await prepare();
    return () => {
      const events = Array.from({ length: messages }, benchEvent);
      return perSecond(messages, () => inWindow(events, MAX_UNCONFIRMED, publish));
    };
  });
}

/** Begins to consume the queue and says how many events it has acknowledged each time it has. Returns what ends the consumer. */
export type Consume = (onHandled: (events: number) => void) => Promise<() => Promise<unknown>>;

/** Serves a side whose figure is events consumed per second, from subscribing to the last acknowledgement. */
export function serveConsuming(prepare: () => Promise<Consume>): Promise<void> {
  return serveWorker(async () => {
    const messages = workOfRun();
    const consume = await prepare();
    return async () => {
      let end: (() => Promise<unknown>) | undefined;
      const figure = await perSecond(messages, async () => {
        end = await consumeAll(messages, consume);
      });
      await end?.();
      return figure;
    };
  });
}

async function consumeAll(messages: number, consume: Consume): Promise<() => Promise<unknown>> {
  let left = messages;
  let onLast: () => void;
  const last = new Promise<void>((resolve) => {
    onLast = resolve;
  });
  const end = await consume((events) => {
    left -= events;
    if (left === 0) onLast();
  });
  await last;
  return end;
}

/** Does the work, so many units of it, and returns how many it was per second. */
export async function perSecond(count: number, work: () => Promise<unknown>): Promise<Measured> {
  const from = performance.now();
  const cpuBefore = process.cpuUsage();
  await work();
  const elapsedMs = performance.now() - from;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { value: (count * 1000) / elapsedMs, cpuMs: (user + system) / 1000 };
}
