import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { silentLogger } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import type { ConsumeStreamOptions } from '../src/broker.ts';
import type { StreamBatch, StreamStart } from '../src/index.ts';
import { StreamReader } from '../src/streams/stream-reader.ts';
import { placed, shopCatalogue } from './shop-events.ts';

/** A broker in the test's hands. */
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

/** When what is delivered was published, in seconds since 1970. */
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

/** The next batch, for which the offsets are delivered. */
async function next(...offsets: number[]): Promise<number[]> {
  const batch = batches.next();
  await new Promise(setImmediate);
  deliver(...offsets);
  const { value } = await batch;
  return (value as StreamBatch<unknown>).events.map(({ offset }) => offset);
}

describe('a reader of a stream', () => {
  it('when the broker loses it with messages that were not given yet, then each is given once', async () => {
    expect(await next(0, 1, 2, 3, 4)).toEqual([0, 1]);
    broker.onLost();
    expect(broker.startAt()).toEqual({ after: 1 });
    expect(await next(1, 2, 3)).toEqual([2, 3]);
    expect(await next(4)).toEqual([4]);
  });

  it('when it begins at the next message and is lost before that was given, then it goes on with that one', async () => {
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

  it('when the broker is away for long, then that is no sign of another stream', async () => {
    expect(await next(0)).toEqual([0]);
    jest.useFakeTimers();
    expect(broker.startAt()).toEqual({ after: 0 });
    broker.onLost();
    jest.advanceTimersByTime(60_000);
    expect(restarts).toBe(0);
  });

  /** Nothing comes for as long as the reader waits; then the broker begins anew as it is told. */
  function silence(): unknown {
    jest.advanceTimersByTime(5000);
    jest.useRealTimers();
    deliver(9);
    broker.onLost();
    return broker.startAt();
  }

  it('when what was given last does not come though the stream is served, then it is another one, read from its beginning', async () => {
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

  it('when the broker was only slow, then the reading goes on where it was', async () => {
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

  it('when the stream has forgotten what was given last, then that is a gap, and the rest is given', async () => {
    expect(await next(6, 7)).toEqual([6, 7]);
    jest.useFakeTimers();
    broker.startAt();
    expect(silence()).toBe('first');
    expect(await next(20, 21)).toEqual([20, 21]);
    expect(gaps).toBe(1);
  });

  it('when the broker takes its time to answer, then what was decided meanwhile is done all the same', async () => {
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

  it('when nothing comes, then the broker is asked anew, again and again, and it goes on behind what was given last', async () => {
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

  it('when something is in hand, or it is to begin with what comes next, then the broker is left alone', async () => {
    begin('first', undefined, { renewMs: 10, stalledMs: 100 });
    await next(0, 1, 2);
    // On a busy machine it may have been asked anew before the first of them came.
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

  it('when the caller asks for no more though something is there, then it is stalled and lags, until it does', async () => {
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
