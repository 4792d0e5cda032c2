import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';
import { addAnalyticsReplay } from './analytics-replay.ts';

/** `warren analytics …` */
export function addAnalytics(program: Command, terminal: Terminal): void {
  const analytics = program.command('analytics').description('operate the figures of the analytics service');
  addAnalyticsReplay(analytics, terminal);
}
