import { describe, expect, it } from '@jest/globals';
import { formatTable } from '../src/table.ts';

const COLUMNS = [
  { title: 'NAME', value: (row: { name: string; count: number }) => row.name },
  { title: 'COUNT', value: (row: { name: string; count: number }) => row.count, align: 'right' as const },
];

describe('a table', () => {
  it('when rows differ in width, then texts stand left, numbers right, and no line ends in blanks', () => {
    const rows = [
      { name: 'a', count: 5 },
      { name: 'longer', count: 123456 },
    ];
    expect(formatTable(rows, COLUMNS)).toBe(['NAME     COUNT', 'a            5', 'longer  123456', ''].join('\n'));
  });

  it('when there are very many rows, then all of them are shown', () => {
    const rows = Array.from({ length: 200_000 }, () => ({ name: 'a', count: 1 }));
    expect(formatTable(rows, COLUMNS).match(/^a .*1$/gm)).toHaveLength(rows.length);
  });

  it('when a value holds control characters, then they do not reach the terminal', () => {
    expect(formatTable([{ name: '\u001b[31mred\n', count: 1 }], COLUMNS)).toContain('\uFFFD[31mred\uFFFD');
  });
});
