import { cliErrors } from '../cli-errors.ts';
import { eachQueue, withDeadLetters } from '../dead-letter-run.ts';
import { formatDeadLetter, toJson } from '../dead-letter-view.ts';
import { formatJson } from '../format-json.ts';
import type { Terminal } from '../terminal.ts';

export interface DlqShowOptions {
  queue?: string;
  json?: true;
}

/** `warren dlq show <id>`: everything about one dead letter, including its body. */
export async function showDeadLetter(terminal: Terminal, id: string, { queue, json }: DlqShowOptions): Promise<void> {
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
  if (json) terminal.out(formatJson(all.map(toJson)));
  else terminal.out(all.map(formatDeadLetter).join('\n'));
}
