import { IsDateTime, Set as setFormat } from 'typebox/format';

/** The form that `Date.toISOString` writes, for days 1 to 28, which every month has. */
const USUAL = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/** True for an RFC 3339 date-time that a `Date` can represent: no leap second. The fast path covers nearly every date-time of an event. */
export function isDateTime(value: string): boolean {
  return USUAL.test(value) || (IsDateTime(value) && !Number.isNaN(Date.parse(value)));
}

/** Registers {@link isDateTime} as the schema format `date-time`. */
export function registerDateTime(): void {
  setFormat('date-time', isDateTime);
}
