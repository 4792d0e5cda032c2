import { printable } from './table.ts';

/** The message of whatever was thrown, made harmless for a terminal: of the control characters only line breaks stay. */
export function messageOf(error: unknown): string {
  const message = (error as Error | undefined)?.message ?? String(error);
  return message.split('\n').map(printable).join('\n');
}
