import type { DeadLetterFilter } from '@warren/event-bus';
import { type Command, Option } from 'commander';
import { parseCount, parseSpan } from './arguments.ts';

/** The options with which a `warren dlq` command selects dead letters. */
export interface ChoiceOptions {
  queue?: string;
  id?: string;
  code?: string;
  reason?: string;
  /** Milliseconds, as `newerThan`. */
  olderThan?: number;
  newerThan?: number;
  limit?: number;
}

/**
 * Adds the options of {@link ChoiceOptions} to a command.
 * @param defaults `limit` for commands that would otherwise show too many
 */
export function addChoice(command: Command, defaults: Pick<ChoiceOptions, 'limit'> = {}): Command {
  return command
    .option('-q, --queue <name>', 'only those of this queue (default: every queue that has dead letters)')
    .option('--id <id>', 'only the message with this id')
    .option('--code <code>', 'only those that failed with this error code')
    .option('--reason <reason>', 'only those with this reason: invalid, skipped, exhausted, delivery_limit, …')
    .addOption(
      new Option('--older-than <span>', 'only those that failed longer ago, e.g. 30s, 15m, 12h, 7d').argParser(
        parseSpan,
      ),
    )
    .addOption(new Option('--newer-than <span>', 'only those that failed more recently').argParser(parseSpan))
    .addOption(new Option('--limit <count>', 'at most this many in all').argParser(parseCount).default(defaults.limit));
}

/** The filter for the options at the current time. */
export function filterOf({ id, code, reason, olderThan, newerThan }: ChoiceOptions, now: Date): DeadLetterFilter {
  const ago = (spanMs: number | undefined) => (spanMs === undefined ? undefined : new Date(now.getTime() - spanMs));
  return { id, code, reason, before: ago(olderThan), since: ago(newerThan) };
}
