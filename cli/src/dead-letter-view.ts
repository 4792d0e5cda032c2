import { isUtf8 } from 'node:buffer';
import type { DeadLetter } from '@warren/event-bus';
import { type Column, formatTable, printable } from './table.ts';

/** The columns of a dead letter in the table. */
export type DeadLetterRow = Pick<
  DeadLetter,
  'queue' | 'id' | 'type' | 'reason' | 'code' | 'attempts' | 'replays' | 'lastFailedAt'
>;

const COLUMNS: readonly Column<DeadLetterRow>[] = [
  { title: 'QUEUE', value: (letter) => letter.queue },
  { title: 'ID', value: (letter) => letter.id ?? '-' },
  { title: 'TYPE', value: (letter) => letter.type ?? '-' },
  { title: 'REASON', value: (letter) => letter.reason },
  { title: 'CODE', value: (letter) => letter.code ?? '-' },
  { title: 'TRIES', value: (letter) => letter.attempts, align: 'right' },
  { title: 'REPLAYS', value: (letter) => letter.replays, align: 'right' },
  { title: 'FAILED', value: (letter) => letter.lastFailedAt ?? '-' },
];

/** A dead letter without body, headers and stack, which are most of its size. */
export function toRow({ queue, id, type, reason, code, attempts, replays, lastFailedAt }: DeadLetter): DeadLetterRow {
  return { queue, id, type, reason, code, attempts, replays, lastFailedAt };
}

/** Dead letters as a table, one line each. */
export function formatDeadLetters(letters: readonly DeadLetterRow[]): string {
  return formatTable(letters, COLUMNS);
}

/** Everything about one dead letter, its body last. */
export function formatDeadLetter(letter: DeadLetter): string {
  const { stack, headers, body, ...facts } = letter;
  const lines = Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name.padEnd(14)}${printable(value as string | number)}\n`);
  const own = Object.entries(headers).map(
    ([name, value]) => `  ${printable(name)}: ${printable(JSON.stringify(value) ?? '')}\n`,
  );
  const parts = [
    lines.join(''),
    own.length > 0 ? `headers\n${own.join('')}` : '',
    stack === undefined ? '' : `stack\n${indent(stack)}`,
    `body (${body.length} bytes)\n${indent(textOf(body))}`,
  ];
  return parts.filter((part) => part !== '').join('\n');
}

/** Machine-readable: the body as text, or as Base64 in `bodyBase64` if it is not text. */
export function toJson({ body, ...letter }: DeadLetter): Record<string, unknown> {
  return isUtf8(body) ? { ...letter, body: body.toString('utf8') } : { ...letter, bodyBase64: body.toString('base64') };
}

function textOf(body: Buffer): string {
  if (!isUtf8(body)) return body.toString('base64');
  const text = body.toString('utf8');
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

const indent = (text: string) =>
  text
    .split('\n')
    .map((line) => `  ${printable(line)}\n`)
    .join('');
