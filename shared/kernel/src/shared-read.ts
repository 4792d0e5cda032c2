import { setTimeout as pause } from 'node:timers/promises';
import { kernelErrors } from './errors.ts';

/** How long a readiness check or a scrape waits for one answer, in milliseconds, so that both respond within 2 s. */
export const READ_LIMIT_MS = 1500;

/**
 * Shares one call among concurrent callers (single flight), so that a database that hangs is not asked again and again. Each caller waits
 * for at most `limitMs`.
 * @param limitMs @default {@link READ_LIMIT_MS}
 * @throws (from the call) what the read throws; `COMPONENT_TIMEOUT` when it has not answered in time
 */
export function createSharedRead<Result>(
  read: () => Result | Promise<Result>,
  limitMs: number = READ_LIMIT_MS,
): () => Promise<Result> {
  let underWay: Promise<Result> | undefined;

  async function begin(): Promise<Result> {
    try {
      return await read();
    } finally {
      underWay = undefined;
    }
  }

  return () => {
    underWay ??= begin();
    return withTimeout(underWay, limitMs);
  };
}

/** @throws `COMPONENT_TIMEOUT` when the promise does not settle in time */
export async function withTimeout<Result>(promise: Promise<Result>, limitMs: number): Promise<Result> {
  const done = new AbortController();
  const late = pause(limitMs, undefined, { signal: done.signal }).then(() => {
    throw kernelErrors.COMPONENT_TIMEOUT(`no answer within ${limitMs} ms`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    done.abort();
  }
}
