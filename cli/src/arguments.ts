import { InvalidArgumentError } from 'commander';

// What the kernel's `isId` accepts, restated so that the help need not load it. A test compares the two.
const UUID =
  /^([\da-f]{8}-[\da-f]{4}-[1-8][\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}|0{8}(-0{4}){3}-0{12}|f{8}(-f{4}){3}-f{12})$/i;

/** Reserved words, which cannot name a constant. */
const RESERVED =
  /^(await|break|case|catch|class|const|continue|debugger|default|delete|do|else|enum|export|extends|false|finally|for|function|if|implements|import|in|instanceof|interface|let|new|null|package|private|protected|public|return|static|super|switch|this|throw|true|try|typeof|var|void|while|with|yield|test|events)$/;

/** The name of a new service. */
export function parseServiceName(text: string): string {
  if (/^[a-z]{2,30}$/.test(text) && !RESERVED.test(text)) return text;
  throw new InvalidArgumentError('It must be 2 to 30 lower-case letters, and not a reserved word of JavaScript.');
}

/** The id of a message. */
export function parseId(text: string): string {
  if (UUID.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError('It must be a UUID.');
}

/** Parses a time in seconds, fractions allowed; returns milliseconds. */
export function parseSeconds(text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds > 0 && seconds <= 86_400) return seconds * 1000;
  throw new InvalidArgumentError('It must be a number of seconds above 0, at most 86400.');
}

const SPAN_UNITS_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Parses a duration such as `30s`, `15m`, `12h`, `7d`; returns milliseconds. */
export function parseSpan(text: string): number {
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (amount !== undefined && unit !== undefined) return Number(amount) * (SPAN_UNITS_MS[unit] ?? 0);
  throw new InvalidArgumentError('It must be a whole number with a unit: 30s, 15m, 12h, 7d.');
}

/** A number of messages. */
export function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1.');
}

/** A number of messages per second, fractions allowed. */
export function parseRate(text: string): number {
  const rate = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (rate >= 0.01 && rate <= 1_000_000) return rate;
  throw new InvalidArgumentError('It must be a number from 0.01 to 1000000.');
}

/** A moment in the history of an aggregate: after this many events, or at a time in milliseconds since 1970. */
export type Moment = { version: number } | { timeMs: number };

const TIME = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** Parses a version such as `2`, or an ISO 8601 time with a zone; a date alone means 00:00 UTC on that day. */
export function parseMoment(text: string): Moment {
  if (/^[1-9]\d{0,8}$/.test(text)) return { version: Number(text) };
  const [, date] = TIME.exec(text) ?? [];
  const timeMs = date !== undefined && isDate(date) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(timeMs)) return { timeMs };
  throw new InvalidArgumentError('It must be a version from 1, or a time such as 2026-11-21T10:00:00Z or 2026-11-21.');
}

/** `Date.parse` accepts 31 February as 3 March. */
function isDate(date: string): boolean {
  const timeMs = Date.parse(date);
  return !Number.isNaN(timeMs) && new Date(timeMs).toISOString().startsWith(date);
}
