/** Lets a service declare its own commands, in a module `commands` that exports {@link AddCommands}. Loads nothing of the kit, to keep the help fast. */
export { type Moment, parseId, parseSeconds } from '../arguments.ts';
export type { AddCommands } from '../contributed-commands.ts';
export type { Terminal } from '../terminal.ts';
export { atOption } from './at-option.ts';
