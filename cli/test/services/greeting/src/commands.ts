import type { AddCommands } from '@warren/cli/usage';

export const addCommands: AddCommands = (program, terminal) => {
  program.command('greet <name>').action((name: string) => terminal.out(`Hello, ${name}!\n`));
};
