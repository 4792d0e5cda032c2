import { Type } from 'typebox';

/**
 * A name or id given by a user: 1 to 128 characters, without control characters and without halves of surrogate pairs
 * (which neither UTF-8 nor Postgres can hold).
 */
export const ShortText = Type.String({
  pattern: '^[^\\p{Cc}\\p{Cs}]{1,128}$',
  wanted: 'must be 1 to 128 characters without control characters',
});
