import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { silentLogger } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import type { ConsumeStreamOptions } from '../src/broker.ts';
import type { StreamBatch, StreamStart } from '../src/index.ts';
import { StreamReader } from '../src/streams/stream-reader.ts';
import { placed, shopCatalogue } from './shop-events.ts';

/** A broker controlled by the test. */
let broker: ConsumeStreamOptions;
let restarts: number;
let gaps: number;
let consuming: boolean;
let batches: AsyncGenerator<StreamBatch<unknown>>;
let reader: StreamReader<(typeof shopCatalogue.contracts)[number]>;

beforeEach(() => begin('first'));
afterEach(async () => {
  jest.useRealTimers();
  await reader.close();
});

/** @param attached when the broker has its reader */
function begin(
  from: StreamStart,
  attached: Promise<void> = Promise.resolve(),
  times: { renewMs?: number; stalledMs?: number } = {},
): void {
  restarts = 0;
  gaps = 0;
  consuming = true;
  reader = new StreamReader({
    queue: 'shop',
    plan: { exchanges: [], queues: [], bindings: [] },
    from,
    prefetch: 10,
    maxBatch: 2,
    resumeTimeoutMs: 5000,
    ...times,
    catalogue: shopCatalogue,
    broker: {
      consumeStream: async (options) => {
        broker = options;
        options.startAt();
        await attached;
        return {
          isConsuming: () => consuming,
          failure: undefined,
          restart: () => void restarts++,
          close: async () => {},
        };
      },
    },
    metrics: {
      read: { inc: () => undefined },
      gaps: { inc: () => void gaps++ },
      skipped: () => undefined,
      readers: new Set(),
    },
    logger: silentLogger,
  });
  batches = reader.batches();
}

/** When the delivered messages were published, in seconds since 1970. */
let timestamp: number | undefined;

function deliver(...offsets: number[]): void {
  for (const offset of offsets) {
    const body = Buffer.from(JSON.stringify(placed(offset + 1)));
    const message = {
      exchange: 'shop',
      routingKey: 'shop.placed',
      body,
      properties: { timestamp },
      redelivered: false,
    };
    broker.onDelivery({ ...message, live: true, ack: () => undefined }, offset);
  }
}

/** The next batch, after delivering these offsets. */
async function next(...offsets: number[]): Promise<number[]> {
  const batch = batches.next();
  await new Promise(setImmediate);
  deliver(...offsets);
  const { value } = await batch;
  return (value as StreamBatch<unknown>).events.map(({ offset }) => offset);
}

describe('a reader of a stream', () => {
  it('when the broker loses it with messages not yet passed on, then each is passed on once', async () => {
    expect(await next(0, 1, 2, 3, 4)).toEqual([0, 1]);
    broker.onLost();
    expect(broker.startAt()).toEqual({ after: 1 });
    expect(await next(1, 2, 3)).toEqual([2, 3]);
    expect(await next(4)).toEqual([4]);
  });

  it('when it starts at next and is lost before the first message was passed on, then it resumes with that one', async () => {
    await reader.close();
    begin('next');
    const batch = batches.next();
    await new Promise(setImmediate);
    broker.onLost();
    expect(broker.startAt()).toBe('next');
    deliver(100, 101);
    broker.onLost();
    expect(broker.startAt()).toEqual({ offset: 100 });
    deliver(100, 101, 102);
    const { value } = await batch;
    expect((value as StreamBatch<unknown>).events.map(({ offset }) => offset)).toEqual([100, 101]);
  });

  it('when the broker is away for long, then that does not indicate another stream', async () => {
    expect(await next(0)).toEqual([0]);
    jest.useFakeTimers();
    expect(broker.startAt()).toEqual({ after: 0 });
    broker.onLost();
    jest.advanceTimersByTime(60_000);
    expect(restarts).toBe(0);
  });

  /** No message arrives until the reader's timeout; then the broker restarts where the reader says. */
  function silence(): unknown {
    jest.advanceTimersByTime(5000);
    jest.useRealTimers();
    deliver(9);
    broker.onLost();
    return broker.startAt();
  }

  it('when the last message does not arrive though the stream is served, then it is another stream, read from its beginning', async () => {
    expect(await next(6, 7)).toEqual([6, 7]);
    jest.useFakeTimers();
    expect(broker.startAt()).toEqual({ after: 7 });
    expect(silence()).toBe('first');
    jest.useFakeTimers();
    deliver(0, 1, 2);
    broker.onLost();
    expect(broker.startAt()).toEqual({ after: 7 });
    expect(silence()).toBe('first');
    expect(await next(0, 1)).toEqual([0, 1]);
    expect({ restarts, gaps }).toEqual({ restarts: 3, gaps: 1 });
  });

  it('when the broker was only slow, then reading resumes where it was', async () => {
    expect(await next(6, 7)).toEqual([6, 7]);
    jest.useFakeTimers();
    broker.startAt();
    expect(silence()).toBe('first');
    deliver(0, 1, 2);
    broker.onLost();
    expect(broker.startAt()).toEqual({ after: 7 });
    expect(await next(7, 8)).toEqual([8]);
    expect(gaps).toBe(0);
  });

  it('when the stream no longer has the last message, then that is a gap, and the rest is passed on', async () => {
    expect(await next(6, 7)).toEqual([6, 7]);
    jest.useFakeTimers();
    broker.startAt();
    expect(silence()).toBe('first');
    expect(await next(20, 21)).toEqual([20, 21]);
    expect(gaps).toBe(1);
  });

  it('when the broker is slow to answer, then what was decided meanwhile still happens', async () => {
    let attach: () => void = () => undefined;
    const attached = new Promise<void>((resolve) => {
      attach = resolve;
    });
    jest.useFakeTimers();
    begin({ after: 3 }, attached);
    const batch = batches.next();
    jest.advanceTimersByTime(5000);
    jest.useRealTimers();
    expect(restarts).toBe(0);
    attach();
    await new Promise(setImmediate);
    expect(restarts).toBe(1);
    broker.onLost();
    expect(broker.startAt()).toBe('first');
    await reader.close();
    expect(await batch).toEqual({ done: true, value: undefined });
  });

  it('when nothing arrives, then the consumer is restarted repeatedly, and reading resumes after the last message', async () => {
    begin('first', undefined, { renewMs: 20 });
    expect(await next(0)).toEqual([0]);
    const more = batches.next();
    await waitUntil(() => restarts === 1);
    consuming = false;
    expect(reader.isConsuming()).toBe(true);
    broker.onLost();
    expect(broker.startAt()).toEqual({ after: 0 });
    consuming = true;
    deliver(0);
    await waitUntil(() => restarts >= 2);
    deliver(1);
    expect((await more).value).toMatchObject({ lastOffset: 1 });
    expect(gaps).toBe(0);
  });

  it('when a batch is unfinished, or reading starts at next, then the consumer is not restarted', async () => {
    begin('first', undefined, { renewMs: 10, stalledMs: 100 });
    await next(0, 1, 2);
    // On a busy machine it may have restarted before the first of them arrived.
    const before = restarts;
    await waitUntil(() => reader.isStalled());
    expect(restarts).toBe(before);
    await reader.close();
    jest.useFakeTimers();
    begin('next', undefined, { renewMs: 10 });
    const first = batches.next();
    await jest.advanceTimersByTimeAsync(100);
    expect(restarts).toBe(0);
    deliver(7);
    await jest.advanceTimersByTimeAsync(1);
    expect((await first).value).toMatchObject({ lastOffset: 7 });
  });

  it('when the caller requests no more though there are messages, then it is stalled and lags until the caller does', async () => {
    begin('first', undefined, { stalledMs: 30 });
    timestamp = Date.now() / 1000 - 100;
    expect(await next(0, 1, 2)).toEqual([0, 1]);
    await waitUntil(() => reader.isStalled());
    expect(reader.lagSeconds()).toBeGreaterThanOrEqual(100);
    timestamp = undefined;
    await next();
    const end = batches.next();
    await new Promise(setImmediate);
    expect([reader.isStalled(), reader.lagSeconds()]).toEqual([false, 0]);
    await reader.close();
    expect(await end).toEqual({ done: true, value: undefined });
  });
});
