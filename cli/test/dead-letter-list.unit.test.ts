import { describe, expect, it } from '@jest/globals';
import type { DeadLetter } from '@warren/event-bus';
import { DeadLetterTotals, formatTotals } from '../src/dead-letter-totals.ts';
import { createJsonPrinter } from '../src/json-printer.ts';
import { createRecordingTerminal } from './recording-terminal.ts';

const letter = (n: number, more: Partial<DeadLetter> = {}): DeadLetter => ({
  ...{ queue: 'q', id: `m-${n}`, reason: 'invalid', attempts: 1, replays: 0, headers: {} },
  ...more,
  body: Buffer.from('{}'),
});

describe('dead letters as JSON', () => {
  it.each([0, 1, 3])('when there are %d, then none is kept, and all are one array', (count) => {
    const { terminal, written } = createRecordingTerminal();
    const printer = createJsonPrinter(terminal);
    for (let n = 1; n <= count; n += 1) {
      printer.add(letter(n));
      expect(written.out).toContain(`m-${n}`);
    }
    printer.end();
    expect(JSON.parse(written.out)).toHaveLength(count);
    expect(written.out).toBe(`${JSON.stringify(JSON.parse(written.out), null, 2)}\n`);
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
