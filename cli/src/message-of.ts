import { printable } from './table.ts';

/** The message of a thrown value, safe to print on a terminal: of the control characters, only line breaks remain. */
export function messageOf(error: unknown): string {
  const message = (error as Error | undefined)?.message ?? String(error);
  return message.split('\n').map(printable).join('\n');
}
