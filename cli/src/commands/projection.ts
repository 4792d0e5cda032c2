import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';
import { addProjectionList } from './projection-list.ts';
import { addProjectionRebuild } from './projection-rebuild.ts';

/** `warren projection …` */
export function addProjection(program: Command, terminal: Terminal): void {
  const projection = program.command('projection').description('list and rebuild the read models of the services');
  addProjectionList(projection, terminal);
  addProjectionRebuild(projection, terminal);
}
