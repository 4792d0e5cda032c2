import type { Command } from 'commander';
import type { ProjectionListOptions } from '../commands/projection-list.ts';
import type { ProjectionRebuildOptions } from '../commands/projection-rebuild.ts';
import type { Terminal } from '../terminal.ts';

const DETAILS = `
It runs beside the services, which notice nothing but a moment's wait at the end. It may be interrupted at any point: the table in use
stays as it is, and the next rebuild removes what is left.`;

/** `warren projection …` */
export function addProjection(program: Command, terminal: Terminal): void {
  const projection = program.command('projection').description('list and rebuild the read models of the services');
  addProjectionList(projection, terminal);
  addProjectionRebuild(projection, terminal);
}

function addProjectionList(projection: Command, terminal: Terminal): void {
  projection
    .command('list')
    .description('list the read models that can be rebuilt')
    .option('--json', 'print an array of {service, projection, schema, tables}')
    .action(async (options: ProjectionListOptions) => {
      const { listProjections } = await import('../commands/projection-list.ts');
      await listProjections(terminal, options);
    });
}

function addProjectionRebuild(projection: Command, terminal: Terminal): void {
  projection
    .command('rebuild')
    .description('rebuild a read model from the event log while the services run')
    .argument('<name>', 'the name of the projection')
    .option('--service <name>', 'the service that has it, if several have a projection of that name')
    .option('--json', 'print {service, projection, events, seconds, eventsPerSecond}')
    .addHelpText('after', DETAILS)
    .action(async (name: string, options: ProjectionRebuildOptions) => {
      const { rebuildReadModel } = await import('../commands/projection-rebuild.ts');
      await rebuildReadModel(terminal, name, options);
    });
}
