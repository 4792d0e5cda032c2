import type { Command } from 'commander';
import { parseReplayStart } from '../arguments.ts';
import type { AnalyticsReplayOptions } from '../commands/analytics-replay.ts';
import type { Terminal } from '../terminal.ts';

/** `warren analytics …` */
export function addAnalytics(program: Command, terminal: Terminal): void {
  const analytics = program.command('analytics').description('operate the figures of the analytics service');
  addAnalyticsReplay(analytics, terminal);
}

function addAnalyticsReplay(analytics: Command, terminal: Terminal): void {
  analytics
    .command('replay')
    .description('make the figures anew from the stream of all events; the present ones answer until that is done')
    .option('--from <place>', 'where to begin: first, an offset, or a time (ISO 8601)', parseReplayStart, 'first')
    .option('--no-wait', 'do not wait until it is done')
    .option('--json', 'print the replay as the API shows it')
    .action(async (options: AnalyticsReplayOptions) => {
      const { replayAnalytics } = await import('../commands/analytics-replay.ts');
      await replayAnalytics(terminal, options);
    });
}
