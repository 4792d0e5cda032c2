import type { IncomingMessage, ServerResponse } from 'node:http';
import { preferredWaitSeconds } from './prefer.ts';

/** The longest that a request is held, in seconds: shorter than what proxies usually allow an answer. */
const MAX_WAIT_SECONDS = 50;

/**
 * Honours `Prefer: wait=N` (RFC 7240): returns what `wait` resolves with; its signal is aborted when the time is over or the client has gone.
 * `Preference-Applied` says how long the wait was allowed to be. Without the preference, or when `wait` holds nobody any more, returns the
 * answer as it is: what was asked is done, and a preference is no demand.
 * @param wait asks for a place among those who wait, and takes it, in the turn in which it is called; undefined when there is none
 */
export async function honourWait<Answer>(
  answer: Answer,
  { req, res }: { req: IncomingMessage; res: ServerResponse },
  wait: (signal: AbortSignal) => Promise<Answer> | undefined,
): Promise<Answer> {
  const seconds = Math.min(preferredWaitSeconds(req) ?? 0, MAX_WAIT_SECONDS);
  // A client that has left already will not be told to have closed any more, and must not take a place.
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
    // It is stored, whatever has become of the database since: an error here would tell the client otherwise.
    return answer;
  } finally {
    clearTimeout(timer);
    res.off('close', abort);
  }
}
