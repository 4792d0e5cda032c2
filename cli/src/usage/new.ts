import type { Command } from 'commander';
import { parseServiceName } from '../arguments.ts';
import type { Terminal } from '../terminal.ts';

/** `warren new …` */
export function addNew(program: Command, terminal: Terminal): void {
  program
    .command('new')
    .description('create a new service')
    .command('service')
    .description('create a service that runs as is, with an incoming event, an aggregate, an outgoing event, and tests')
    .argument('<name>', 'lower-case letters, e.g. shipping', parseServiceName)
    .action(async (name: string) => {
      const { newService } = await import('../commands/new-service.ts');
      await newService(terminal, name);
    });
}
