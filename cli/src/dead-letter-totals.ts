import type { DeadLetter } from '@warren/event-bus';
import { formatTable } from './table.ts';

/** How many dead letters of a queue failed for the same reason. */
export interface DeadLetterTotal {
  queue: string;
  reason: string;
  code: string;
  count: number;
}

/** Reasons and codes come from messages, so memory use must not grow with the number of distinct ones. */
const MAX_TOTALS = 100;
const OTHERS = '(others)';

/** Counts dead letters by queue, reason and code, in constant memory. */
export class DeadLetterTotals {
  readonly #totals = new Map<string, DeadLetterTotal>();

  readonly add = ({ queue, reason, code = '-' }: Pick<DeadLetter, 'queue' | 'reason' | 'code'>): void => {
    const key = JSON.stringify([queue, reason, code]);
    const isNew = !this.#totals.has(key) && this.#totals.size >= MAX_TOTALS;
    if (isNew) this.#count(OTHERS, { queue: OTHERS, reason: OTHERS, code: OTHERS });
    else this.#count(key, { queue, reason, code });
  };

  get count(): number {
    return this.rows().reduce((sum, { count }) => sum + count, 0);
  }

  /** Grouped by queue, largest first; the kinds beyond the limit together, last. */
  rows(): DeadLetterTotal[] {
    const rows = [...this.#totals.values()].filter(({ reason }) => reason !== OTHERS);
    const queues = [...new Set(rows.map(({ queue }) => queue))];
    const sorted = rows.toSorted((a, b) => queues.indexOf(a.queue) - queues.indexOf(b.queue) || b.count - a.count);
    const others = this.#totals.get(OTHERS);
    return others ? [...sorted, others] : sorted;
  }

  #count(key: string, kind: Omit<DeadLetterTotal, 'count'>): void {
    this.#totals.set(key, { ...kind, count: (this.#totals.get(key)?.count ?? 0) + 1 });
  }
}

/** The totals as a table, with the sum below. */
export function formatTotals(totals: DeadLetterTotals): string {
  const table = formatTable(totals.rows(), [
    { title: 'QUEUE', value: (row) => row.queue },
    { title: 'REASON', value: (row) => row.reason },
    { title: 'CODE', value: (row) => row.code },
    { title: 'COUNT', value: (row) => row.count, align: 'right' },
  ]);
  return `${table}${totals.count} in all\n`;
}
