import { Command } from 'commander';
import type { Terminal } from './terminal.ts';
import { addAnalytics } from './usage/analytics.ts';
import { addDlq } from './usage/dlq.ts';
import { addNew } from './usage/new.ts';
import { addOrder } from './usage/order.ts';
import { addProjection } from './usage/projection.ts';
import { addStock } from './usage/stock.ts';
import { addTrace } from './usage/trace.ts';

const WHERE = `
Where the system is: ORDER_URL, ANALYTICS_URL, AMQP_URL and DATABASE_URL if set, else what a running "npm start" has noted.
Exit codes: 0 done, 1 failed, 2 wrong usage.`;

/**
 * Returns the `warren` command with all its subcommands. It throws instead of ending the process.
 *
 * The help has to wait for everything that is imported from here. So `usage/` only declares how commands are called, and imports the file
 * below `commands/` that does the work when the command runs.
 */
export function createProgram(terminal: Terminal): Command {
  const program = new Command('warren')
    .description('Look into a running Warren and operate it.')
    .addHelpText('after', WHERE)
    .showHelpAfterError('(add --help for the usage)')
    .configureOutput({
      writeOut: terminal.out,
      writeErr: terminal.err,
      getOutHelpWidth: () => terminal.columns ?? 100,
      getErrHelpWidth: () => terminal.columns ?? 100,
    })
    .exitOverride();
  addStock(program, terminal);
  addOrder(program, terminal);
  addTrace(program, terminal);
  addDlq(program, terminal);
  addProjection(program, terminal);
  addAnalytics(program, terminal);
  addNew(program, terminal);
  return program;
}
