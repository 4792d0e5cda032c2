import type { Command } from 'commander';
import type { TraceOptions } from '../commands/trace.ts';
import type { Terminal } from '../terminal.ts';

const MORE = `
It reads the logs of all services that have their schemas in the database from end to end, which takes its time where they are long. The time
behind a queue is when the transaction began that handled the event; inboxes forget it after INBOX_KEEP_MS.`;

/** `warren trace <id>` */
export function addTrace(program: Command, terminal: Terminal): void {
  program
    .command('trace')
    .description('show everything that followed from a request, across all services, as a tree of causes')
    .argument(
      '<id>',
      'a correlation id, or the id of an aggregate, such as an order; <category>-<id> names one of several with that id',
    )
    .option(
      '--json',
      'print {correlationIds, traceIds, startedAt, events, unreadable}, what followed from an event in its children',
    )
    .addHelpText('after', MORE)
    .action(async (id: string, options: TraceOptions) => {
      const { showTrace } = await import('../commands/trace.ts');
      await showTrace(terminal, id, options);
    });
}
