import type { DeadLetter, DeadLetters } from '@warren/event-bus';
import type { ChoiceOptions } from '../dead-letter-options.ts';
import { eachQueue, withDeadLetters } from '../dead-letter-run.ts';
import { DeadLetterTotals, formatTotals } from '../dead-letter-totals.ts';
import { type DeadLetterRow, formatDeadLetters, toRow } from '../dead-letter-view.ts';
import { createJsonPrinter } from '../json-printer.ts';
import type { Terminal } from '../terminal.ts';

export interface DlqListOptions extends ChoiceOptions {
  limit: number;
  json?: true;
}

/** `warren dlq list`: counts by reason, then the oldest dead letters of each queue. Leaves all of them in their queues. */
export async function listDeadLetters(terminal: Terminal, options: DlqListOptions): Promise<void> {
  await withDeadLetters(terminal, options, async (letters, queues) => {
    const list = { letters, queues, options, terminal };
    if (options.json) await printJson(list);
    else await printTables(list);
  });
}

interface List {
  letters: DeadLetters;
  queues: readonly string[];
  options: DlqListOptions;
  terminal: Terminal;
}

/** The totals are printed first, so the rows below (at most `limit`) are kept until all are counted. */
async function printTables(list: List): Promise<void> {
  const { options, terminal } = list;
  const totals = new DeadLetterTotals();
  const shown: DeadLetterRow[] = [];
  await visit({ ...list, options: { ...options, limit: Number.POSITIVE_INFINITY } }, (letter) => {
    totals.add(letter);
    if (shown.length < options.limit) shown.push(toRow(letter));
  });
  if (totals.count === 0) return terminal.out('There are no such dead letters.\n');
  terminal.out(`${formatTotals(totals)}\n${formatDeadLetters(shown)}`);
  if (shown.length < totals.count)
    terminal.out(`\n${shown.length} of ${totals.count} are shown: --limit <count> shows more.\n`);
}

async function printJson(list: List): Promise<void> {
  const { options, terminal } = list;
  const printer = createJsonPrinter(terminal);
  let shown = 0;
  // Reading one more than is shown reveals whether there are more.
  const found = await visit({ ...list, options: { ...options, limit: options.limit + 1 } }, (letter) => {
    shown += 1;
    if (shown <= options.limit) printer.add(letter);
  });
  printer.end();
  if (found > options.limit)
    terminal.err(`warren: there are more than these ${options.limit}: --limit <count> prints more\n`);
}

/** Shows the selected dead letters of the queues, up to the limit. Returns their number. */
async function visit({ letters, queues, options, terminal }: List, see: (letter: DeadLetter) => void): Promise<number> {
  const counts = await eachQueue({
    queues,
    options,
    terminal,
    what: 'reading',
    deal: (queue, run) => letters.visit(queue, run, see),
    countOf: (count) => count,
  });
  return counts.reduce((sum, { result }) => sum + result, 0);
}
