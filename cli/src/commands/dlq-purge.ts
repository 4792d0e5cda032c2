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

/** `warren dlq purge`: deletes dead letters for good, after confirmation. */
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
    // Not more than was confirmed: dead letters that arrived since are behind those.
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
      `${count} dead letters would be lost for good: pass --yes to delete them without confirmation`,
    );
  }
  if (await terminal.confirm(`Delete ${count} dead letters for good (${where.join(', ')})? [y/N] `)) return;
  throw cliErrors.CLI_NOT_CONFIRMED('nothing was purged');
}
