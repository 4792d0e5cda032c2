import { expect, test } from '@jest/globals';
import { createIdempotencyKeyTable, type KeyUse } from '../src/index.ts';

test('when a key is forgotten while it is used again, then it is taken anew, and the others keep their first use', async () => {
  const table = new Map<string, KeyUse>([
    ['old', { key: 'old', fingerprint: 'f-old', madeId: 'first' }],
    ['kept', { key: 'kept', fingerprint: 'f-kept', madeId: 'first' }],
  ]);
  const claimed: string[][] = [];
  const query = async ({ text, values: [keys, fingerprints, madeIds] }: { text: string; values: string[][] }) => {
    if (!text.includes('INSERT')) return { rows: (keys ?? []).flatMap((key) => table.get(key) ?? []) };
    claimed.push(keys ?? []);
    keys?.forEach((key, at) => {
      const use = { key, fingerprint: fingerprints?.[at] ?? '', madeId: madeIds?.[at] ?? '' };
      if (!table.has(key)) table.set(key, use);
    });
    // The retention, between the two statements.
    if (claimed.length === 1) table.delete('old');
    return { rows: [] };
  };
  const uses = ['old', 'kept', 'new'].map((key) => ({ key, fingerprint: 'f', madeId: 'second' }));

  const first = await createIdempotencyKeyTable({ madeColumn: 'order_id' }).claim({ query } as never, uses);

  expect([...first.values()].map(({ key, madeId }) => [key, madeId])).toEqual([
    ['kept', 'first'],
    ['new', 'second'],
    ['old', 'second'],
  ]);
  expect(claimed).toEqual([['old', 'kept', 'new'], ['old']]);
});
