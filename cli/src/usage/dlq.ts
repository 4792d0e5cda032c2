import { type Command, Option } from 'commander';
import { parseRate } from '../arguments.ts';
import type { DlqListOptions } from '../commands/dlq-list.ts';
import type { DlqPurgeOptions } from '../commands/dlq-purge.ts';
import type { DlqReplayOptions } from '../commands/dlq-replay.ts';
import type { DlqShowOptions } from '../commands/dlq-show.ts';
import { addChoice } from '../dead-letter-options.ts';
import type { Terminal } from '../terminal.ts';

const DEFAULT_LIMIT = 100;

/** `warren dlq …` */
export function addDlq(program: Command, terminal: Terminal): void {
  const dlq = program.command('dlq').description('list, show, replay and purge dead letters');
  addDlqList(dlq, terminal);
  addDlqShow(dlq, terminal);
  addDlqReplay(dlq, terminal);
  addDlqPurge(dlq, terminal);
}

function addDlqList(dlq: Command, terminal: Terminal): void {
  const command = dlq
    .command('list')
    .description('list the dead letters: totals by reason, then one by one; none is removed');
  addChoice(command, { limit: DEFAULT_LIMIT })
    .option('--json', 'print an array with everything about each instead')
    .action(async (options: DlqListOptions) => {
      const { listDeadLetters } = await import('../commands/dlq-list.ts');
      await listDeadLetters(terminal, options);
    });
}

function addDlqShow(dlq: Command, terminal: Terminal): void {
  dlq
    .command('show')
    .description('show everything about one dead letter: headers, stack, body')
    .argument('<id>', 'the id of the message')
    .option('-q, --queue <name>', 'only look in this queue (default: every queue that has dead letters)')
    .option('--json', 'print an array: several queues may have the message')
    .action(async (id: string, options: DlqShowOptions) => {
      const { showDeadLetter } = await import('../commands/dlq-show.ts');
      await showDeadLetter(terminal, id, options);
    });
}

function addDlqReplay(dlq: Command, terminal: Terminal): void {
  const command = dlq.command('replay').description('move dead letters back into the queues in which they failed');
  addChoice(command)
    .addOption(new Option('--rate <count>', 'at most this many per second').argParser(parseRate))
    .option('--dry-run', 'only tell how many it would be')
    .option('--json', 'print an array of {queue, count}')
    .action(async (options: DlqReplayOptions) => {
      const { replayDeadLetters } = await import('../commands/dlq-replay.ts');
      await replayDeadLetters(terminal, options);
    });
}

function addDlqPurge(dlq: Command, terminal: Terminal): void {
  const command = dlq.command('purge').description('delete dead letters for good, after confirmation');
  addChoice(command)
    .option('--dry-run', 'only tell how many it would be')
    .option('--yes', 'do not ask')
    .option('--json', 'print an array of {queue, count}')
    .action(async (options: DlqPurgeOptions) => {
      const { purgeDeadLetters } = await import('../commands/dlq-purge.ts');
      await purgeDeadLetters(terminal, options);
    });
}
