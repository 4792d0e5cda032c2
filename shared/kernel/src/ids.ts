import { createHash, randomFillSync } from 'node:crypto';
import { parse, stringify, v7, validate } from 'uuid';

const BYTES_PER_ID = 16;
/** Random bytes for 256 ids: asking the system for each id costs more than the rest of the id. */
const pool = Buffer.allocUnsafe(256 * BYTES_PER_ID);
let used = pool.length;
let msecs = 0;
let seq = 0;

/**
 * A new UUID v7 (RFC 9562): unique and increasing with time, which makes it cheap to index and to page by. The ids of a process increase
 * strictly: within a millisecond they count up from a random number.
 */
export function createId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.subarray(used, used + BYTES_PER_ID);
  used += BYTES_PER_ID;
  const now = Date.now();
  if (now > msecs) {
    msecs = now;
    // 31 bits, so that there is room to count.
    seq = random.readUInt32BE(6) >>> 1;
  } else {
    seq += 1;
  }
  return v7({ random, msecs, seq });
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
