import { createHash } from 'node:crypto';

/** SHA-256 of a message's body. */
export function digestOf(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}
