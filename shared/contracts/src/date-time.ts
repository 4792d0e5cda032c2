import { IsDateTime, Set as setFormat } from 'typebox/format';

/** What `Date.toISOString` writes, up to the 28th, which every month has. */
const USUAL = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/** True for an RFC 3339 date-time that a `Date` can hold: no leap second. Every event has some, nearly all in the one form that a single expression knows. */
export function isDateTime(value: string): boolean {
  return USUAL.test(value) || (IsDateTime(value) && !Number.isNaN(Date.parse(value)));
}

/** Lets schemas use it. */
export function registerDateTime(): void {
  setFormat('date-time', isDateTime);
}
