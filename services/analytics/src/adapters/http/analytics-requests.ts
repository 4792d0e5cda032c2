import { invalidRequest, strictObject } from '@warren/http';
import { type Static, Type } from 'typebox';
import type { Window } from '../../application/figures.ts';
import type { ReplayStart } from '../../application/read-models.ts';
import { minuteEndOf, minuteOf } from '../../domain/minute.ts';

const HOUR_MS = 3_600_000;

const Time = Type.String({ format: 'date-time', wanted: 'must be a time, e.g. 2026-01-31T12:00:00Z' });

const limitUpTo = (maximum: number, usual: number) =>
  Type.Integer({ minimum: 1, maximum, default: usual, wanted: `must be a whole number from 1 to ${maximum}` });

/** The query of `GET /analytics/summary`. */
export const WindowQuery = Type.Object({ from: Type.Optional(Time), to: Type.Optional(Time) });

/** The query of `GET /analytics/minutes`. */
export const MinutesQuery = Type.Object({ ...WindowQuery.properties, limit: limitUpTo(1440, 60) });

/** The query of `GET /analytics/products`. */
export const ProductsQuery = Type.Object({ limit: limitUpTo(100, 10) });

/**
 * The window of a query, by default the last hour, widened to whole minutes.
 * @throws `REQUEST_INVALID` when the window is empty
 */
export function windowOf({ from, to }: Static<typeof WindowQuery>, now: Date): Window {
  const end = minuteEndOf(to === undefined ? now.getTime() : Date.parse(to));
  const begin = minuteOf(from === undefined ? end - HOUR_MS : Date.parse(from));
  if (begin >= end) throw invalidRequest('the request', [{ path: 'from', message: 'must be before `to`' }]);
  return { from: new Date(begin), to: new Date(end) };
}

const Start = Type.Union(
  [Type.Literal('first'), Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), Time],
  { wanted: 'must be "first", an offset or a time, e.g. 2026-01-31T12:00:00Z' },
);

/** The body of `POST /analytics/replays`. */
export const ReplayBody = strictObject({ from: Type.Optional(Start) });

/** Where a replay begins: by default with the first event. */
export function startOf({ from = 'first' }: Static<typeof ReplayBody>): ReplayStart {
  if (typeof from === 'number') return { offset: from };
  return from === 'first' ? from : { timestamp: new Date(from).toISOString() };
}
