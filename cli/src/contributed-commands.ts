import { readdirSync } from 'node:fs';
import type { Command } from 'commander';
import { messageOf } from './message-of.ts';
import { serviceModule } from './service-module.ts';
import type { Terminal } from './terminal.ts';

/**
 * What a module `commands` below `services/` exports (`services/<folder>/src/commands.ts`): it declares its commands on the program. Every
 * call of `warren` loads it, also for the help, so it imports commander and `@warren/cli/usage` only, and in the action of a command, by
 * `import()`, the file that does the work.
 */
export type AddCommands = (program: Command, terminal: Terminal) => void | Promise<void>;

/** Adds the commands that services contribute. One whose module fails is named on standard error, and keeps no other from working. */
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
