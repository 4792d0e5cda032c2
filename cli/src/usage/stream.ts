import type { Command } from 'commander';
import type { StreamOptions } from '../commands/stream.ts';
import type { Terminal } from '../terminal.ts';
import { atOption } from './at-option.ts';

/** `warren stream <category> <id>` */
export function addStream(program: Command, terminal: Terminal): void {
  program
    .command('stream')
    .description('show an aggregate of any service: its state and its events, from the log')
    .argument('<category>', 'the category of the aggregate, e.g. order')
    .argument('<id>', 'its id')
    .addOption(atOption())
    .option('--service <name>', 'the service that has it, if several have that category')
    .option('--json', 'print {stream, service, version, state, row, events}; a problem says why there is no state')
    .action(async (category: string, id: string, options: StreamOptions) => {
      const { showStream } = await import('../commands/stream.ts');
      await showStream(terminal, { category, id }, options);
    });
}
