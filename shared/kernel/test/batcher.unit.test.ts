import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createBatcher } from '../src/index.ts';

/** A batcher whose batches end when the test says so; `batches` lists the items of each. */
function controlled(options: { maxItems?: number; concurrency?: number } = {}) {
  const batches: { items: number[]; end(results?: (number | Error)[]): void; fail(error: Error): void }[] = [];
  const batcher = createBatcher<number, number>({
    ...options,
    handle: (items) =>
      new Promise((resolve, reject) => {
        batches.push({ items, end: (results = items) => resolve(results), fail: reject });
      }),
  });
  return { batches, batcher };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('createBatcher', () => {
  it('when nothing is in flight, then a single item is handled at once and alone', async () => {
    const { batches, batcher } = controlled();
    const result = batcher.add(1);
    await turn();
    expect(batches.map((batch) => batch.items)).toEqual([[1]]);
    batches[0]?.end();
    await expect(result).resolves.toBe(1);
  });

  it('when a batch is in flight, then the items that arrive meanwhile form the next one', async () => {
    const { batches, batcher } = controlled();
    const first = batcher.add(1);
    await turn();
    const rest = [batcher.add(2), batcher.add(3)];
    await turn();
    expect(batches).toHaveLength(1);
    batches[0]?.end();
    await first;
    await turn();
    expect(batches[1]?.items).toEqual([2, 3]);
    batches[1]?.end();
    await expect(Promise.all(rest)).resolves.toEqual([2, 3]);
  });

  it('when one item of a batch fails, then the others do not', async () => {
    const { batches, batcher } = controlled();
    const results = Promise.allSettled([batcher.add(1), batcher.add(2), batcher.add(3)]);
    await turn();
    batches[0]?.end([1, new Error('only me'), 3]);
    expect((await results).map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('when a batch throws, then each of its items fails and the next batch runs', async () => {
    const { batches, batcher } = controlled({ maxItems: 1 });
    const results = Promise.allSettled([batcher.add(1), batcher.add(2)]);
    await turn();
    batches[0]?.fail(new Error('gone'));
    await turn();
    batches[1]?.end();
    expect((await results).map((result) => result.status)).toEqual(['rejected', 'fulfilled']);
  });

  it('when a batch returns too few results, then the items without one fail', async () => {
    const { batches, batcher } = controlled();
    const results = Promise.allSettled([batcher.add(1), batcher.add(2)]);
    await turn();
    batches[0]?.end([1]);
    expect((await results).map((result) => result.status)).toEqual(['fulfilled', 'rejected']);
  });

  it('when it closes, then it finishes its items and rejects new ones', async () => {
    const { batches, batcher } = controlled();
    const last = batcher.add(1);
    const closed = batcher.close();
    await expect(batcher.add(2)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    await turn();
    batches[0]?.end();
    await expect(last).resolves.toBe(1);
    await closed;
    expect(batcher.size).toBe(0);
  });

  it('when any number of items arrives in any rhythm, then each is handled once, in order, in batches within the limits', async () => {
    const rhythm = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(
        rhythm,
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 3 }),
        async (bursts, maxItems, concurrency) => {
          const handled: number[] = [];
          let running = 0;
          const batcher = createBatcher<number, number>({
            maxItems,
            concurrency,
            async handle(items) {
              running += 1;
              expect(running).toBeLessThanOrEqual(concurrency);
              expect(items.length).toBeLessThanOrEqual(maxItems);
              handled.push(...items);
              await turn();
              running -= 1;
              return items;
            },
          });
          const sent: Promise<number>[] = [];
          for (const burst of bursts) {
            for (let index = 0; index < burst; index += 1) sent.push(batcher.add(sent.length));
            await turn();
          }
          const numbers = sent.map((_, index) => index);
          await expect(Promise.all(sent)).resolves.toEqual(numbers);
          expect(handled).toEqual(numbers);
          await batcher.close();
        },
      ),
      { numRuns: 50 },
    );
  });
});
