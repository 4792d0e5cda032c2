import type { QueueResult } from './dead-letter-run.ts';
import { formatTable } from './table.ts';
import type { Terminal } from './terminal.ts';

export interface ReportOptions {
  terminal: Terminal;
  json: true | undefined;
  /** What was done to them, e.g. `replayed`. */
  done: string;
}

/** Reports how many dead letters of each queue were processed. */
export function reportCounts(counts: readonly QueueResult<number>[], { terminal, json, done }: ReportOptions): void {
  const rows = counts.filter(({ result }) => result > 0);
  if (json) {
    terminal.out(
      `${JSON.stringify(
        rows.map(({ queue, result: count }) => ({ queue, count })),
        null,
        2,
      )}\n`,
    );
    return;
  }
  const total = rows.reduce((sum, { result }) => sum + result, 0);
  const table = formatTable(rows, [
    { title: 'QUEUE', value: (row) => row.queue },
    { title: 'COUNT', value: (row) => row.result, align: 'right' },
  ]);
  terminal.out(total === 0 ? 'There are no such dead letters.\n' : `${table}${total} ${done}\n`);
}
