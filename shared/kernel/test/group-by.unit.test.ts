import { expect, test } from '@jest/globals';
import { groupBy } from '../src/index.ts';

test('when items are grouped, then each is in the group of its key, and all keep their order', () => {
  const groups = groupBy(['b1', 'a1', 'b2'], ([letter]) => letter);
  expect([...groups]).toEqual([
    ['b', ['b1', 'b2']],
    ['a', ['a1']],
  ]);
});
