import { expect, test } from '@jest/globals';
import { storeErrors } from '../../src/log/store-errors.ts';
import { togetherOrAlone } from '../../src/store/together-or-alone.ts';

/** Handles a batch unless something in it is bad. Remembers the batches. */
function handler(bad: Record<string, Error> = {}) {
  const batches: string[] = [];
  const handle = async (items: readonly string[]) => {
    batches.push(items.join(''));
    for (const item of items) if (bad[item]) throw bad[item];
    return items.map((item) => item.toUpperCase());
  };
  return { batches, handle };
}

test('when all goes well, then the items are handled together', async () => {
  const { batches, handle } = handler();
  expect(await togetherOrAlone(['a', 'b'], handle)).toEqual(['A', 'B']);
  expect(batches).toEqual(['ab']);
});

test('when an item is bad, then it fails alone, and the others are handled together as far as that goes', async () => {
  const error = new Error('bad');
  const { batches, handle } = handler({ b: error });
  expect(await togetherOrAlone([...'abcdefgh'], handle)).toEqual(['A', error, ...'CDEFGH']);
  expect(batches).toEqual(['abcdefgh', 'abcd', 'ab', 'a', 'b', 'cd', 'efgh']);
});

test('when what an item competes for is contested, then it fails alone', async () => {
  const error = storeErrors.TRANSACTION_CONTENTION('contested');
  const { handle } = handler({ b: error });
  expect(await togetherOrAlone(['a', 'b'], handle)).toEqual(['A', error]);
});

test('when there is nothing to handle, then nothing is done', async () => {
  const { batches, handle } = handler();
  expect(await togetherOrAlone([], handle)).toEqual([]);
  expect(batches).toEqual([]);
});

test('when the failure is transient, then nothing is tried again', async () => {
  const error = storeErrors.DATABASE_UNAVAILABLE('away');
  const { batches, handle } = handler({ b: error });
  await expect(togetherOrAlone(['a', 'b'], handle)).rejects.toBe(error);
  expect(batches).toEqual(['ab']);
});
