import { type DeadLetterRun, DeadLetters } from '@warren/event-bus';
import { isAppError } from '@warren/kernel';
import { addressOf, hostOf } from './addresses.ts';
import { cliErrors } from './cli-errors.ts';
import { type ChoiceOptions, filterOf } from './dead-letter-options.ts';
import { queuesOf } from './dead-letter-queues.ts';
import { createProgress } from './progress.ts';
import type { Terminal } from './terminal.ts';

/** The result of a run in one queue. */
export interface QueueResult<Result> {
  queue: string;
  result: Result;
}

/** Connects, runs `work` on the queues that the options select, and closes the connection. @throws `CLI_UNREACHABLE` */
export async function withDeadLetters<Result>(
  terminal: Terminal,
  { queue }: ChoiceOptions,
  work: (letters: DeadLetters, queues: string[]) => Promise<Result>,
): Promise<Result> {
  const url = addressOf('broker', terminal.env);
  const letters = await DeadLetters.connect({ url }).catch((error: Error) => {
    throw cliErrors.CLI_UNREACHABLE(`cannot reach the broker at ${hostOf(url)}: ${error.message}`, { cause: error });
  });
  try {
    return await work(letters, await queuesOf(queue, terminal));
  } finally {
    await letters.close();
  }
}

export interface EachQueue<Result> {
  queues: readonly string[];
  options: ChoiceOptions;
  terminal: Terminal;
  /** Shown before the progress bar. */
  what: string;
  deal(queue: string, run: DeadLetterRun): Promise<Result>;
  /** How much of the limit the result uses up. */
  countOf(result: Result): number;
}

/**
 * Processes the selected dead letters queue by queue, until the limit is reached. A queue of the system that is not declared yet has none; a
 * queue named by the user must exist.
 */
export async function eachQueue<Result>(each: EachQueue<Result>): Promise<QueueResult<Result>[]> {
  const { queues, options, deal, countOf, terminal, what } = each;
  const filter = filterOf(options, new Date());
  const results: QueueResult<Result>[] = [];
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  for (const queue of queues) {
    if (left <= 0) break;
    const progress = createProgress(terminal, `${what} ${queue}`);
    const onProgress = ({ seen, total, done }: { seen: number; total: number; done: number }) =>
      progress.show(seen, total, `${done} chosen`);
    try {
      const result = await deal(queue, { filter, limit: left, onProgress });
      left -= countOf(result);
      results.push({ queue, result });
    } catch (error) {
      const missing = isAppError(error) && error.code === 'DEAD_LETTER_QUEUE_MISSING';
      if (options.queue !== undefined || !missing) throw error;
    } finally {
      progress.end();
    }
  }
  return results;
}
