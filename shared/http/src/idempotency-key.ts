import type { IncomingMessage } from 'node:http';
import type { Parsed } from './invalid-request.ts';

const PRINTABLE = /^[\x20-\x7e]{1,255}$/;

/** The header `Idempotency-Key` if it is there and valid, else the fault of it. */
export function parseIdempotencyKey(req: IncomingMessage): Parsed<string | undefined> {
  if (req.headers['idempotency-key'] === undefined) return { value: undefined };
  const given = req.headersDistinct['idempotency-key'] ?? [];
  const [value = ''] = given;
  if (given.length === 1 && PRINTABLE.test(value)) return { value };
  const message = given.length > 1 ? 'may be given once only' : 'must be 1 to 255 printable ASCII characters';
  return { faults: [{ path: 'Idempotency-Key', message }] };
}
