import { type Command, Option } from 'commander';
import { parseRate } from '../arguments.ts';
import { addChoice, type ChoiceOptions } from '../dead-letter-options.ts';
import { eachQueue, withDeadLetters } from '../dead-letter-run.ts';
import { reportCounts } from '../report-counts.ts';
import type { Terminal } from '../terminal.ts';

interface ReplayOptions extends ChoiceOptions {
  rate?: number;
  dryRun?: true;
  json?: true;
}

/** `warren dlq replay`: puts dead letters back into the queues that they failed in. May be interrupted at any point and run again. */
export function addDlqReplay(dlq: Command, terminal: Terminal): void {
  const command = dlq.command('replay').description('put dead letters back into the queues that they failed in');
  addChoice(command)
    .addOption(new Option('--rate <count>', 'at most so many per second').argParser(parseRate))
    .option('--dry-run', 'only tell how many it would be')
    .option('--json', 'print an array of {queue, count}')
    .action(async ({ rate, dryRun, json, ...options }: ReplayOptions) => {
      const counts = await withDeadLetters(terminal, options, (letters, queues) =>
        eachQueue({
          queues,
          options,
          terminal,
          what: dryRun ? 'counting' : 'replaying',
          deal: (queue, run) =>
            dryRun ? letters.tally(queue, run) : letters.replay(queue, { ...run, ratePerSecond: rate }),
          countOf: (count) => count,
        }),
      );
      reportCounts(counts, { terminal, json, done: dryRun ? 'would be replayed' : 'replayed' });
    });
}
