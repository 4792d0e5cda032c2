import type { Command } from 'commander';
import { cliErrors } from '../cli-errors.ts';
import { eachQueue, withDeadLetters } from '../dead-letter-run.ts';
import { formatDeadLetter, toJson } from '../dead-letter-view.ts';
import type { Terminal } from '../terminal.ts';

/** `warren dlq show <id>`: everything about one dead letter, also its body. */
export function addDlqShow(dlq: Command, terminal: Terminal): void {
  dlq
    .command('show')
    .description('everything about one dead letter: headers, stack, body')
    .argument('<id>', 'the id of the message')
    .option('-q, --queue <name>', 'only look in this queue (default: every queue that has dead letters)')
    .option('--json', 'print an array: more than one queue can have it')
    .action(async (id: string, { json, queue }: { json?: true; queue?: string }) => {
      const found = await withDeadLetters(terminal, { queue }, (letters, queues) =>
        eachQueue({
          queues,
          options: { id, queue },
          terminal,
          what: 'reading',
          deal: (name, run) => letters.list(name, run),
          countOf: () => 0,
        }),
      );
      const all = found.flatMap(({ result }) => result);
      if (all.length === 0) throw cliErrors.CLI_NOT_FOUND(`there is no dead letter ${id}`);
      if (json) terminal.out(`${JSON.stringify(all.map(toJson), null, 2)}\n`);
      else terminal.out(all.map(formatDeadLetter).join('\n'));
    });
}
