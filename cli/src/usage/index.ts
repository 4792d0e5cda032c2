/** How a service declares commands of its own, in a module `commands` that exports {@link AddCommands}. The help waits for it: it loads nothing of the kit. */
export { type Moment, parseId, parseSeconds } from '../arguments.ts';
export type { AddCommands } from '../contributed-commands.ts';
export type { Terminal } from '../terminal.ts';
export { atOption } from './at-option.ts';
