import type { IncomingMessage, ServerResponse } from 'node:http';
import { preferredWaitSeconds } from './prefer.ts';

/** The longest that a request is held, in seconds: shorter than the usual response timeout of proxies. */
const MAX_WAIT_SECONDS = 50;

/**
 * Honours `Prefer: wait=N` (RFC 7240): returns what `wait` resolves with. Its signal aborts when the time is over or the client has
 * disconnected. `Preference-Applied` reports the allowed wait. Without the preference, or when `wait` has no place left, returns the
 * current answer: the request has been carried out, and a preference is not a demand.
 * @param wait reserves a place among the waiting requests before it returns; undefined when there is none left
 */
export async function honourWait<Answer>(
  answer: Answer,
  { req, res }: { req: IncomingMessage; res: ServerResponse },
  wait: (signal: AbortSignal) => Promise<Answer> | undefined,
): Promise<Answer> {
  const seconds = Math.min(preferredWaitSeconds(req) ?? 0, MAX_WAIT_SECONDS);
  // A client that has already disconnected emits no further `close` event, and must not take a place.
  if (seconds === 0 || res.closed) return answer;
  const done = new AbortController();
  const waiting = wait(done.signal);
  if (!waiting) return answer;
  const abort = () => done.abort();
  const timer = setTimeout(abort, seconds * 1000);
  res.once('close', abort);
  res.setHeader('Preference-Applied', `wait=${seconds}`);
  try {
    return await waiting;
  } catch {
    // The request is stored, whatever has happened to the database since: an error here would tell the client otherwise.
    return answer;
  } finally {
    clearTimeout(timer);
    res.off('close', abort);
  }
}
