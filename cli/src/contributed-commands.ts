import { readdirSync } from 'node:fs';
import type { Command } from 'commander';
import { messageOf } from './message-of.ts';
import { serviceModule } from './service-module.ts';
import type { Terminal } from './terminal.ts';

/**
 * The export of a `commands` module below `services/` (`services/<folder>/src/commands.ts`): it declares its commands on the program. Every
 * call of `warren` loads it, even for the help, so it imports only commander and `@warren/cli/usage`. The action of a command loads the file
 * that does the work, by `import()`.
 */
export type AddCommands = (program: Command, terminal: Terminal) => void | Promise<void>;

/** Adds the commands that services contribute. A module that fails is reported on standard error and does not affect other commands. */
export async function addContributedCommands(program: Command, terminal: Terminal): Promise<void> {
  for (const folder of readdirSync(terminal.services).toSorted()) {
    const { path, url, exists } = serviceModule(terminal.services, folder, 'commands');
    if (!exists) continue;
    try {
      const { addCommands }: { addCommands: AddCommands } = await import(url.href);
      await addCommands(program, terminal);
    } catch (error) {
      terminal.err(`warren: the commands of ${path} are left out: ${messageOf(error)}\n`);
    }
  }
}
