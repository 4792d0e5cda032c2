import { describe, expect, it } from '@jest/globals';
import type { DeadLetter } from '@warren/event-bus';
import { createJsonPrinter, createTablePrinter, type DeadLetterPrinter } from '../src/dead-letter-printer.ts';
import { DeadLetterTotals, formatTotals } from '../src/dead-letter-totals.ts';
import { createRecordingTerminal } from './recording-terminal.ts';

const letter = (n: number, more: Partial<DeadLetter> = {}): DeadLetter => ({
  ...{ queue: 'q', id: `m-${n}`, reason: 'invalid', attempts: 1, replays: 0, headers: {} },
  ...more,
  body: Buffer.from('{}'),
});

/** Prints so many. Gives the most of them that were not written yet at any time, and what was written. */
function print(create: (out: { out(text: string): void }) => DeadLetterPrinter, count: number) {
  const { terminal, written } = createRecordingTerminal();
  const printer = create(terminal);
  let mostHeld = 0;
  for (let n = 1; n <= count; n += 1) {
    printer.add(letter(n));
    mostHeld = Math.max(mostHeld, n - (written.out.match(/m-\d+/g)?.length ?? 0));
  }
  printer.end();
  return { mostHeld, out: written.out };
}

describe('the printing of dead letters', () => {
  it('when there are many, then a table holds no more of them than a page, and all are written in order', () => {
    const { mostHeld, out } = print(createTablePrinter, 1200);
    expect(mostHeld).toBeLessThan(500);
    expect(out.match(/m-\d+/g)).toEqual(Array.from({ length: 1200 }, (_, at) => `m-${at + 1}`));
    expect(out.match(/^QUEUE/gm)).toHaveLength(3);
  });

  it.each([0, 1, 3])('when there are %d, then JSON holds none of them, and is one array', (count) => {
    const { mostHeld, out } = print(createJsonPrinter, count);
    expect(mostHeld).toBe(0);
    expect(JSON.parse(out)).toHaveLength(count);
    expect(out).toBe(`${JSON.stringify(JSON.parse(out), null, 2)}\n`);
  });
});

describe('the totals of dead letters', () => {
  it('when queues, reasons and codes differ, then each kind is counted, the largest of a queue first', () => {
    const totals = new DeadLetterTotals();
    const kinds = [
      letter(1),
      letter(2, { code: 'ODD' }),
      letter(3, { queue: 'p', code: 'ODD' }),
      letter(4, { code: 'ODD' }),
    ];
    kinds.forEach(totals.add);
    expect(formatTotals(totals)).toBe(
      'QUEUE  REASON   CODE  COUNT\nq      invalid  ODD       2\nq      invalid  -         1\np      invalid  ODD       1\n4 in all\n',
    );
  });

  it('when each message has a code of its own, then a hundred kinds are told apart and the rest counted together', () => {
    const totals = new DeadLetterTotals();
    for (let n = 0; n < 1000; n += 1) totals.add(letter(n, { code: `C${n}` }));
    expect(totals.count).toBe(1000);
    expect(totals.rows()).toHaveLength(101);
    expect(totals.rows().at(-1)).toMatchObject({ reason: '(others)', count: 900 });
  });
});
