import { Command } from 'commander';
import { addContributedCommands } from './contributed-commands.ts';
import type { Terminal } from './terminal.ts';
import { addDlq } from './usage/dlq.ts';
import { addNew } from './usage/new.ts';
import { addProjection } from './usage/projection.ts';
import { addStream } from './usage/stream.ts';
import { addTrace } from './usage/trace.ts';

const WHERE = `
Where the system is: AMQP_URL, DATABASE_URL and, for the API of a service, <SERVICE>_URL; without them, the addresses of a running "npm start".
Exit codes: 0 done, 1 failed, 2 wrong usage.`;

/**
 * Returns the `warren` command with all its subcommands. It throws instead of ending the process.
 *
 * Everything imported here delays the help. So `usage/` only declares the commands, and imports the file below `commands/` that does the work
 * when a command runs. Services that contribute commands do the same.
 */
export async function createProgram(terminal: Terminal): Promise<Command> {
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
  addStream(program, terminal);
  addTrace(program, terminal);
  addDlq(program, terminal);
  addProjection(program, terminal);
  addNew(program, terminal);
  await addContributedCommands(program, terminal);
  return program;
}
