import type { IncomingMessage } from 'node:http';

/** A quoted or bare value of the preference `wait`, with any parameters after it. */
const WAIT = /^wait\s*=\s*(?:"(?<quoted>\d+)"|(?<bare>\d+))\s*(?:;.*)?$/i;

/**
 * How long the client will wait for its response, in whole seconds: the first `wait` of the header `Prefer` (RFC 7240). Undefined when
 * there is none or it is not a number; a preference is never a fault.
 */
export function preferredWaitSeconds({ headers }: Pick<IncomingMessage, 'headers'>): number | undefined {
  const given = headers.prefer;
  const preferences = (Array.isArray(given) ? given.join(',') : (given ?? '')).split(',').map((one) => one.trim());
  const wait = preferences.find((one) => /^wait\s*(?:[=;]|$)/i.test(one));
  const { quoted, bare } = WAIT.exec(wait ?? '')?.groups ?? {};
  const digits = quoted ?? bare;
  return digits === undefined ? undefined : Number(digits);
}
