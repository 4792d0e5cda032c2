import { createValidator, type Fault } from '@warren/contracts';
import { Type } from 'typebox';
import type { ReplayStart } from '../../application/event-source.ts';
import type { Window } from '../../application/figures.ts';
import { minuteEndOf, minuteOf } from '../../domain/minute.ts';

const HOUR_MS = 3_600_000;

type Parsed<Value> = { value: Value } | { faults: Fault[] };
type Parameter = { value: Date | number } | { fault: string };

const timestamps = createValidator(Type.String({ format: 'date-time' }));

const TIME_WANTED = 'must be a time, e.g. 2026-01-31T12:00:00Z';

const isTime = (text: string): boolean => timestamps.is(text);

function time(text: string): Parameter {
  if (isTime(text)) return { value: new Date(text) };
  // In a query a plus sign stands for a space, so `+02:00` arrives as ` 02:00`.
  const lostPlus = isTime(text.replace(/ (?=\d\d:\d\d$)/, '+'));
  return { fault: lostPlus ? `${TIME_WANTED}; write the plus sign of an offset as %2B` : TIME_WANTED };
}

const limitUpTo =
  (max: number) =>
  (text: string): Parameter =>
    /^\d{1,9}$/.test(text) && Number(text) >= 1 && Number(text) <= max
      ? { value: Number(text) }
      : { fault: `must be a whole number from 1 to ${max}` };

/** `from` and `to` of a query, by default the last hour, widened to whole minutes. */
export function parseWindow(query: Record<string, unknown>, now: Date): Parsed<Window> {
  const parsed = parseQuery(query, { from: time, to: time });
  return 'faults' in parsed ? parsed : windowOf(parsed.value, now);
}

/** The same with `limit`, 60 by default, at most 1440. */
export function parseMinutes(query: Record<string, unknown>, now: Date): Parsed<Window & { limit: number }> {
  const parsed = parseQuery(query, { from: time, to: time, limit: limitUpTo(1440) });
  if ('faults' in parsed) return parsed;
  const window = windowOf(parsed.value, now);
  return 'faults' in window ? window : { value: { ...window.value, limit: Number(parsed.value.limit ?? 60) } };
}

/** `limit` alone, 10 by default, at most 100. */
export function parseProducts(query: Record<string, unknown>): Parsed<number> {
  const parsed = parseQuery(query, { limit: limitUpTo(100) });
  return 'faults' in parsed ? parsed : { value: Number(parsed.value.limit ?? 10) };
}

const FROM_WANTED = 'must be "first", an offset or a time, e.g. 2026-01-31T12:00:00Z';

const ReplayBody = Type.Object(
  {
    from: Type.Optional(
      Type.Union(
        [
          Type.Literal('first'),
          Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
          Type.String({ format: 'date-time' }),
        ],
        { wanted: FROM_WANTED },
      ),
    ),
  },
  { additionalProperties: false, wanted: 'must be an object' },
);
const replayBodies = createValidator(ReplayBody);

/** The body of `POST /analytics/replays`: from the beginning unless it says otherwise. */
export function parseReplay(body: unknown): Parsed<ReplayStart> {
  if (!replayBodies.is(body)) return { faults: replayFaults(body) };
  const { from = 'first' } = body;
  if (from === 'first') return { value: from };
  return { value: typeof from === 'number' ? { offset: from } : { timestamp: new Date(from).toISOString() } };
}

/** One fault for `from`, not one for each thing that it might have been. */
function replayFaults(body: unknown): Fault[] {
  const faults = replayBodies.faults(body);
  const others = faults.filter(({ path }) => path !== '/from');
  return others.length === faults.length ? others : [...others, { path: '/from', message: FROM_WANTED }];
}

/** Unknown parameters are faults: a typo must not answer another question. */
function parseQuery(
  query: Record<string, unknown>,
  known: Readonly<Record<string, (text: string) => Parameter>>,
): Parsed<Record<string, Date | number>> {
  const value: Record<string, Date | number> = {};
  const faults: Fault[] = [];
  for (const [path, given] of Object.entries(query)) {
    const parse = Object.hasOwn(known, path) ? known[path] : undefined;
    if (!parse) faults.push({ path, message: 'is not a known parameter' });
    else if (typeof given !== 'string') faults.push({ path, message: 'may be given once only' });
    else {
      const parsed = parse(given);
      if ('fault' in parsed) faults.push({ path, message: parsed.fault });
      else value[path] = parsed.value;
    }
  }
  return faults.length > 0 ? { faults } : { value };
}

function windowOf({ from, to }: Record<string, Date | number>, now: Date): Parsed<Window> {
  const end = minuteEndOf(Number(to ?? now));
  const begin = minuteOf(Number(from ?? end - HOUR_MS));
  if (begin >= end) return { faults: [{ path: 'from', message: 'must be before `to`' }] };
  return { value: { from: new Date(begin), to: new Date(end) } };
}
