import type { Command } from 'commander';
import { parseServiceName } from '../arguments.ts';
import type { Terminal } from '../terminal.ts';

/** `warren new …` */
export function addNew(program: Command, terminal: Terminal): void {
  program
    .command('new')
    .description('begin something of your own')
    .command('service')
    .description('write a service with an event in, an aggregate, an event out, and tests, which runs as it is')
    .argument('<name>', 'lower-case letters, e.g. shipping', parseServiceName)
    .action(async (name: string) => {
      const { newService } = await import('../commands/new-service.ts');
      await newService(terminal, name);
    });
}
