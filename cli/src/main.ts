import { CommanderError } from 'commander';
import { messageOf } from './message-of.ts';
import { createProgram } from './program.ts';
import { processTerminal, type Terminal } from './terminal.ts';

/** Done, failed, wrong usage. */
export type ExitCode = 0 | 1 | 2;

/**
 * Runs one command and returns its exit code. Failures are reported as one sentence on standard error, never as a stack trace.
 * @param argv the arguments after the program's name
 */
export async function main(argv: readonly string[], terminal: Terminal = processTerminal()): Promise<ExitCode> {
  try {
    const program = await createProgram(terminal);
    // As process.argv: commander's option for bare arguments has the name of an aggregate of the shop, which a test forbids here.
    await program.parseAsync(['node', 'warren', ...argv]);
    return 0;
  } catch (error) {
    // commander has already printed its message or the requested help.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const { isAppError } = await import('@warren/kernel');
    const message = messageOf(error);
    terminal.err(
      isAppError(error) ? `warren: ${message}\n` : `warren: unexpected error, please report it: ${message}\n`,
    );
    return 1;
  }
}
