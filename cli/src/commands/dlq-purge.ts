import { cliErrors } from '../cli-errors.ts';
import type { ChoiceOptions } from '../dead-letter-options.ts';
import { eachQueue, type QueueResult, withDeadLetters } from '../dead-letter-run.ts';
import { reportCounts } from '../report-counts.ts';
import type { Terminal } from '../terminal.ts';

export interface DlqPurgeOptions extends ChoiceOptions {
  dryRun?: true;
  yes?: true;
  json?: true;
}

/** `warren dlq purge`: throws dead letters away for good, after asking. */
export async function purgeDeadLetters(
  terminal: Terminal,
  { dryRun, yes, json, ...options }: DlqPurgeOptions,
): Promise<void> {
  const counts = await withDeadLetters(terminal, options, async (letters, queues) => {
    const each = { queues, options, terminal, countOf: (count: number) => count };
    const found = await eachQueue({ ...each, what: 'counting', deal: (queue, run) => letters.tally(queue, run) });
    if (dryRun || totalOf(found) === 0) return found;
    if (!yes) await confirm(terminal, found);
    const agreed = new Map(found.map(({ queue, result }) => [queue, result]));
    // Not more than was agreed to: what has come since stands behind.
    return eachQueue({
      ...each,
      what: 'purging',
      deal: (queue, run) => letters.purge(queue, { ...run, limit: agreed.get(queue) ?? 0 }),
    });
  });
  reportCounts(counts, { terminal, json, done: dryRun ? 'would be purged' : 'purged' });
}

const totalOf = (counts: readonly QueueResult<number>[]) => counts.reduce((sum, { result }) => sum + result, 0);

async function confirm(terminal: Terminal, found: readonly QueueResult<number>[]): Promise<void> {
  const count = totalOf(found);
  const where = found.filter(({ result }) => result > 0).map(({ queue, result }) => `${result} of ${queue}`);
  if (!terminal.interactive) {
    throw cliErrors.CLI_NOT_CONFIRMED(
      `${count} dead letters would be lost for good: say --yes to do it without being asked`,
    );
  }
  if (await terminal.confirm(`Throw ${count} dead letters away for good (${where.join(', ')})? [y/N] `)) return;
  throw cliErrors.CLI_NOT_CONFIRMED('nothing was purged');
}
