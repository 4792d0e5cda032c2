import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';
import { addDlqList } from './dlq-list.ts';
import { addDlqPurge } from './dlq-purge.ts';
import { addDlqReplay } from './dlq-replay.ts';
import { addDlqShow } from './dlq-show.ts';

/** `warren dlq …` */
export function addDlq(program: Command, terminal: Terminal): void {
  const dlq = program.command('dlq').description('list, look at, replay and purge dead letters');
  addDlqList(dlq, terminal);
  addDlqShow(dlq, terminal);
  addDlqReplay(dlq, terminal);
  addDlqPurge(dlq, terminal);
}
