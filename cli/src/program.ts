import { Command } from 'commander';
import { addAnalytics } from './commands/analytics.ts';
import { addDlq } from './commands/dlq.ts';
import { addOrder } from './commands/order.ts';
import { addProjection } from './commands/projection.ts';
import { addStock } from './commands/stock.ts';
import { addTrace } from './commands/trace.ts';
import type { Terminal } from './terminal.ts';

const WHERE = `
Where the system is: ORDER_URL, ANALYTICS_URL, AMQP_URL and DATABASE_URL if set, else what a running "npm start" has noted.
Exit codes: 0 done, 1 failed, 2 wrong usage.`;

/** The `warren` command with all its subcommands. It throws instead of ending the process. */
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
  return program;
}
