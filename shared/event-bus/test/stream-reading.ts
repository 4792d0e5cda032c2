import { waitUntil } from '@warren/testing';
import type { EventBus, ReadStreamOptions } from '../src/index.ts';
import type { ShopContract } from './shop-events.ts';

/** A loop over a stream that runs beside the test, and the events it received. */
export interface StreamReading {
  readonly ids: string[];
  readonly offsets: number[];
  readonly batches: { size: number; lastOffset: number }[];
  /** Resolves when this many events were received. */
  given(count: number): Promise<void>;
  /** Ends the loop and resolves when it has ended. */
  stop(): Promise<void>;
  /** Resolves when the loop has ended, for whatever reason. */
  readonly ended: Promise<void>;
}

/** Starts reading; resolves when the broker has registered the reader. `hold` is awaited with each batch. */
export async function startReading(
  bus: EventBus<ShopContract>,
  options: ReadStreamOptions,
  hold: () => Promise<unknown> = async () => undefined,
): Promise<StreamReading> {
  const end = new AbortController();
  const ids: string[] = [];
  const offsets: number[] = [];
  const batches: { size: number; lastOffset: number }[] = [];
  const signal = options.signal ? AbortSignal.any([end.signal, options.signal]) : end.signal;
  const read = async () => {
    for await (const { events, lastOffset } of bus.readStream({ ...options, signal })) {
      batches.push({ size: events.length, lastOffset });
      ids.push(...events.map(({ event }) => event.id));
      offsets.push(...events.map(({ offset }) => offset));
      await hold();
    }
  };
  const ended = read();
  ended.catch(() => undefined);
  await waitUntil(() => readsOf(bus)[options.queue] === 'consuming', { what: `a reader of ${options.queue}` });
  return {
    ids,
    offsets,
    batches,
    given: async (count) => void (await waitUntil(() => ids.length >= count, { what: `${count} events` })),
    async stop() {
      end.abort();
      await ended;
    },
    ended,
  };
}

const readsOf = (bus: EventBus<ShopContract>) => bus.health().details?.consumers as Record<string, string>;
