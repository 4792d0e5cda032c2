import type { Command } from 'commander';
import { addChoice, type ChoiceOptions } from '../dead-letter-options.ts';
import { eachQueue, withDeadLetters } from '../dead-letter-run.ts';
import { formatDeadLetters, toJson } from '../dead-letter-view.ts';
import type { Terminal } from '../terminal.ts';

/** `warren dlq list`: the dead letters, oldest first in each queue; all stay where they are. */
export function addDlqList(dlq: Command, terminal: Terminal): void {
  const command = dlq.command('list').description('the dead letters with their reasons; all stay where they are');
  addChoice(command)
    .option('--json', 'print an array with everything about each')
    .action(async ({ json, ...options }: ChoiceOptions & { json?: true }) => {
      const found = await withDeadLetters(terminal, options, (letters, queues) =>
        eachQueue({
          queues,
          options,
          terminal,
          what: 'reading',
          deal: (queue, run) => letters.list(queue, run),
          countOf: (list) => list.length,
        }),
      );
      const all = found.flatMap(({ result }) => result);
      if (json) terminal.out(`${JSON.stringify(all.map(toJson), null, 2)}\n`);
      else terminal.out(all.length === 0 ? 'There are no such dead letters.\n' : formatDeadLetters(all));
    });
}
