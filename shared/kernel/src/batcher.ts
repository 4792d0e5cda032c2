import { kernelErrors } from './errors.ts';

export interface BatcherOptions<Item, Result> {
  /**
   * Handles one batch. Returns one result per item, in the same order. An `Error` in place of a result fails that item alone; a throw fails
   * them all.
   */
  handle(items: Item[]): Promise<(Result | Error)[]>;
  /** The most items in one batch. @default 500 */
  maxItems?: number;
  /** The most batches in flight at once. @default 1 */
  concurrency?: number;
}

export interface Batcher<Item, Result> {
  /** Adds an item to the next batch and returns that item's result. */
  add(item: Item): Promise<Result>;
  /** The number of items that are waiting or in flight. */
  readonly size: number;
  /** Rejects new items and resolves when the last batch is done. */
  close(): Promise<void>;
}

interface Waiting<Item, Result> {
  item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Group commit without timers. An item that finds no batch in flight is handled at once, alone. Items that arrive while a batch is in
 * flight form the next one. A single item therefore has no delay, and under load one statement serves hundreds.
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
        else entry.reject(kernelErrors.UNEXPECTED('the batch returned no result for this item'));
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
      if (closed) return Promise.reject(kernelErrors.SHUTTING_DOWN('accepts no new work'));
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        // Waits for the end of the current turn, so that items read from the sockets together share a batch.
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
