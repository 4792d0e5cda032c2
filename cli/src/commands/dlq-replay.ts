import type { ChoiceOptions } from '../dead-letter-options.ts';
import { eachQueue, withDeadLetters } from '../dead-letter-run.ts';
import { reportCounts } from '../report-counts.ts';
import type { Terminal } from '../terminal.ts';

export interface DlqReplayOptions extends ChoiceOptions {
  /** Messages per second. */
  rate?: number;
  dryRun?: true;
  json?: true;
}

/** `warren dlq replay`: moves dead letters back into the queues in which they failed. It may be interrupted at any point and run again. */
export async function replayDeadLetters(
  terminal: Terminal,
  { rate, dryRun, json, ...options }: DlqReplayOptions,
): Promise<void> {
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
}
