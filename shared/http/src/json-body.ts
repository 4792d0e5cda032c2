import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { AppError } from '@warren/kernel';
import { httpErrors } from './http-errors.ts';
import { parseStrictJson } from './strict-json.ts';

export interface JsonBodyOptions {
  /** The largest accepted body, in bytes. @default 100000 */
  limitBytes?: number;
}

const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?(?<charset>[^\s";]+)"?\s*)?;?\s*$/i;

/**
 * Reads a request's body as strict JSON (see {@link parseStrictJson}).
 * @throws `MEDIA_TYPE_UNSUPPORTED` unless it is sent as uncompressed `application/json` in UTF-8; `BODY_TOO_LARGE`, without keeping more
 * than the limit in memory; `BODY_MALFORMED`; `REQUEST_ABORTED` when the client disconnects.
 */
export async function readJsonBody(
  req: IncomingMessage,
  { limitBytes = 100_000 }: JsonBodyOptions = {},
): Promise<unknown> {
  checkMediaType(req);
  const bytes = await readBytes(req, limitBytes);
  if (bytes.length === 0) throw httpErrors.BODY_MALFORMED('the body is empty; it must be a JSON object');
  if (!isUtf8(bytes)) throw httpErrors.BODY_MALFORMED('the body is not valid UTF-8');
  return parseStrictJson(bytes.toString('utf8'));
}

/** True when the request has a body, even an empty chunked one. Needed where the body is optional. */
export function hasBody({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function checkMediaType({ headers }: IncomingMessage): void {
  const type = headers['content-type'];
  if (type === undefined) {
    throw httpErrors.MEDIA_TYPE_UNSUPPORTED('the header Content-Type is missing; it must be application/json');
  }
  const match = JSON_TYPE.exec(type);
  if (!match) throw httpErrors.MEDIA_TYPE_UNSUPPORTED(`Content-Type must be application/json, not ${type}`);
  const charset = match.groups?.charset ?? 'utf-8';
  if (!/^(utf-?8|us-ascii)$/i.test(charset)) {
    throw httpErrors.MEDIA_TYPE_UNSUPPORTED(`the body must be in UTF-8, not in ${charset}`);
  }
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    throw httpErrors.MEDIA_TYPE_UNSUPPORTED(`the body must not be compressed, but its Content-Encoding is ${encoding}`);
  }
}

function readBytes(req: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const tooLarge = (): AppError => httpErrors.BODY_TOO_LARGE(`the body is larger than ${limitBytes} bytes`);
  if (Number(req.headers['content-length']) > limitBytes) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = (): void => void req.off('data', onData).off('end', onEnd).off('close', onClose);
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= limitBytes) return void chunks.push(chunk);
      stop();
      // Reads and discards the rest: a client that is still sending may never read our response.
      req.resume();
      reject(tooLarge());
    };
    const onEnd = (): void => {
      stop();
      resolve(Buffer.concat(chunks, size));
    };
    const onClose = (): void => {
      stop();
      reject(httpErrors.REQUEST_ABORTED('the client disconnected before the body was complete'));
    };
    req.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}
