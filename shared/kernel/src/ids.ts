import { createHash } from 'node:crypto';
import { parse, stringify, v7, validate } from 'uuid';

/** A new UUID v7 (RFC 9562): unique and increasing with time, which makes it cheap to index and to page by. */
export function createId(): string {
  return v7();
}

/** Derives an id: the same for the same id and name, different for any other. If `id` is a UUID v7, so is the result, with the same time. */
export function deriveId(id: string, name: string): string {
  const bytes = createHash('sha256').update(`${id.toLowerCase()} ${name}`).digest().subarray(0, 16);
  bytes.set(parse(id).subarray(0, 6));
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return stringify(bytes);
}

/** True for a UUID of any version in its canonical text form. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && validate(value);
}
