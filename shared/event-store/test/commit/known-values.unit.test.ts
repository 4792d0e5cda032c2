import { expect, test } from '@jest/globals';
import { type RecordedEvent, type SharedRows, sql } from '../../src/index.ts';
import { KnownValues } from '../../src/log/known-values.ts';

const eventsOf = (count: number) => Array.from({ length: count }, () => ({}) as RecordedEvent);

test('when many long streams are kept, then the number of their events is bounded, and the oldest streams are forgotten', () => {
  const known = new KnownValues();
  for (let n = 0; n < 1000; n += 1) known.keepStream(`s-${n}`, eventsOf(100));
  const kept = Array.from({ length: 1000 }, (_, n) => known.stream(`s-${n}`)?.length ?? 0);
  expect(kept.reduce((sum, length) => sum + length)).toBeLessThanOrEqual(25_000);
  expect([kept[0], kept[999]]).toEqual([0, 100]);
});

test('when a stream is kept again or forgotten, then its events count no longer', () => {
  const known = new KnownValues();
  known.keepStream('first', eventsOf(1));
  for (let n = 0; n < 1000; n += 1) {
    known.keepStream('same', eventsOf(100));
    known.keepStream(`gone-${n}`, eventsOf(100));
    known.forget({ streams: new Set([`gone-${n}`]), rows: undefined, keys: new Set() });
  }
  expect(known.stream('first')).toHaveLength(1);
});

test('when a stream does not exist, then that is known, and the number of such streams is bounded too', () => {
  const known = new KnownValues();
  for (let n = 0; n < 26_000; n += 1) known.keepStream(`s-${n}`, []);
  expect(known.stream('s-25999')).toEqual([]);
  expect(known.stream('s-0')).toBeUndefined();
});

test('when a shared value is forgotten, then it is not known any more, and others are', () => {
  const known = new KnownValues();
  const rows: SharedRows<unknown> = { lock: () => sql``, update: () => [] };
  known.keepValues(
    rows,
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
  );
  known.forget({ streams: new Set(), rows, keys: new Set(['a']) });
  expect([known.hasValue(rows, 'a'), known.value(rows, 'b')]).toEqual([false, 2]);
});
