import { Type } from 'typebox';

/**
 * A name or id from a user: 1 to 128 characters, without control characters and without halves of surrogate pairs
 * (which neither UTF-8 nor Postgres can store).
 */
export const ShortText = Type.String({
  pattern: '^[^\\p{Cc}\\p{Cs}]{1,128}$',
  wanted: 'must be 1 to 128 characters without control characters',
});

/** An RFC 3339 date-time, as `Date.toISOString` writes it. */
export const DateTime = Type.String({ format: 'date-time' });

export const Uuid = Type.String({ format: 'uuid', wanted: 'must be a UUID' });
