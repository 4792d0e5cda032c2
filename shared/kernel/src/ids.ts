import { v7, validate } from 'uuid';

/** A new UUID v7 (RFC 9562): unique, and increasing with time, so that it is cheap to index and to page by. */
export function createId(): string {
  return v7();
}

/** True for a UUID of any version in its canonical text form. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && validate(value);
}
