import { kernelErrors } from './errors.ts';

export interface BatcherOptions<Item, Result> {
  /**
   * Handles the items of one batch. Gives a result for each, in their order: an `Error` in an item's place fails that item alone,
   * a throw fails them all.
   */
  handle(items: Item[]): Promise<(Result | Error)[]>;
  /** The most items in one batch. @default 500 */
  maxItems?: number;
  /** How many batches may be in flight at the same moment. @default 1 */
  concurrency?: number;
}

export interface Batcher<Item, Result> {
  /** Adds an item to the next batch and gives its own result. */
  add(item: Item): Promise<Result>;
  /** How many items wait or are in flight. */
  readonly size: number;
  /** Takes no new items and resolves when the last batch is done. */
  close(): Promise<void>;
}

interface Waiting<Item, Result> {
  item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Group commit without timers: an item that finds no batch in flight goes at once, alone; the items that arrive while a
 * batch is in flight make up the next one. So a single item pays no delay, and under load one statement serves hundreds.
 */
export function createBatcher<Item, Result>(options: BatcherOptions<Item, Result>): Batcher<Item, Result> {
  const { handle, maxItems = 500, concurrency = 1 } = options;
  let waiting: Waiting<Item, Result>[] = [];
  let inFlight = 0;
  let itemsInFlight = 0;
  let scheduled = false;
  let closed = false;
  let onIdle: (() => void) | undefined;

  async function run(batch: Waiting<Item, Result>[]): Promise<void> {
    inFlight += 1;
    itemsInFlight += batch.length;
    try {
      const results = await handle(batch.map((entry) => entry.item));
      batch.forEach((entry, index) => {
        const result = results[index];
        if (result instanceof Error) entry.reject(result);
        else if (index in results) entry.resolve(result as Result);
        else entry.reject(kernelErrors.UNEXPECTED('the batch gave no result for this item'));
      });
    } catch (error) {
      for (const entry of batch) entry.reject(error);
    }
    inFlight -= 1;
    itemsInFlight -= batch.length;
    flush();
  }

  function flush(): void {
    scheduled = false;
    while (inFlight < concurrency && waiting.length > 0) {
      const batch = waiting.slice(0, maxItems);
      waiting = waiting.slice(maxItems);
      void run(batch);
    }
    if (inFlight === 0 && waiting.length === 0) onIdle?.();
  }

  return {
    add(item) {
      if (closed) return Promise.reject(kernelErrors.SHUTTING_DOWN('takes no new work'));
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        // After the current turn, so that items that arrive in the same read of the sockets share a batch.
        if (!scheduled && inFlight < concurrency) {
          scheduled = true;
          setImmediate(flush);
        }
      });
    },
    get size() {
      return waiting.length + itemsInFlight;
    },
    close() {
      closed = true;
      if (inFlight === 0 && waiting.length === 0) return Promise.resolve();
      return new Promise((resolve) => {
        onIdle = resolve;
      });
    },
  };
}
