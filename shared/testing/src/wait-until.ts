import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** How long to wait in total, in milliseconds. @default 90000 */
  timeoutMs?: number;
  /** Pause between two probes, in milliseconds. @default a tenth of the time waited so far, at least 20 and at most 100 */
  intervalMs?: number;
  /** Describes the condition in the error message. @default 'the condition' */
  what?: string;
}

/**
 * Calls `probe` repeatedly until it returns something truthy, and returns that.
 * @throws when the time is over; the message has what `probe` returned or threw last
 */
export async function waitUntil<Result>(
  probe: () => Result | Promise<Result>,
  { timeoutMs = 90_000, intervalMs, what = 'the condition' }: WaitOptions = {},
): Promise<NonNullable<Result>> {
  const start = Date.now();
  let last: unknown;
  for (;;) {
    try {
      last = await probe();
      if (last) return last as NonNullable<Result>;
    } catch (error) {
      last = error;
    }
    const waitedMs = Date.now() - start;
    if (waitedMs > timeoutMs) {
      const seen = last instanceof Error ? last.message : JSON.stringify(last);
      throw new Error(`waited ${timeoutMs} ms for ${what}; last seen: ${seen}`);
    }
    await delay(intervalMs ?? Math.min(Math.max(waitedMs / 10, 20), 100));
  }
}
