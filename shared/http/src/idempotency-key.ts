import type { IncomingMessage } from 'node:http';
import type { Parsed } from './invalid-request.ts';

const PRINTABLE = /^[\x20-\x7e]{1,255}$/;

/** A string of Structured Fields (RFC 9651, section 3.3.3): only a quote and a backslash are escaped, each by a backslash. */
const QUOTED = /^"((?:[^"\\]|\\["\\])*)"$/;

const QUOTED_WANTED = 'must end with the quote it begins with; inside, write \\" for a quote and \\\\ for a backslash';

/**
 * Reads the `Idempotency-Key` header. The IETF draft (draft-ietf-httpapi-idempotency-key-header) makes it a quoted string, but many clients
 * send it bare: `"k9"` and `k9` are the same key. Undefined without the header.
 */
export function parseIdempotencyKey(req: IncomingMessage): Parsed<string | undefined> {
  if (req.headers['idempotency-key'] === undefined) return { value: undefined };
  const given = req.headersDistinct['idempotency-key'] ?? [];
  const [text = ''] = given;
  if (given.length > 1) return fault('may be given only once');
  const value = text.startsWith('"') ? unquoted(text) : text;
  if (value === undefined) return fault(QUOTED_WANTED);
  return PRINTABLE.test(value) ? { value } : fault('must be 1 to 255 printable ASCII characters');
}

const unquoted = (text: string): string | undefined => QUOTED.exec(text)?.[1]?.replace(/\\(.)/g, '$1');

const fault = (message: string) => ({ faults: [{ path: 'Idempotency-Key', message }] });
