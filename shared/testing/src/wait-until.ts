import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** How long to wait in all, in milliseconds. @default 90000 */
  timeoutMs?: number;
  /** Pause between two looks, in milliseconds. @default 20 */
  intervalMs?: number;
  /** What is waited for; part of the message when it does not come. @default 'the condition' */
  what?: string;
}

/**
 * Looks again and again until `probe` gives something truthy, and gives that.
 * @throws when it has not come in time; the message holds what `probe` gave or threw last.
 */
export async function waitUntil<Result>(
  probe: () => Result | Promise<Result>,
  { timeoutMs = 90_000, intervalMs = 20, what = 'the condition' }: WaitOptions = {},
): Promise<NonNullable<Result>> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      last = await probe();
      if (last) return last as NonNullable<Result>;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      const seen = last instanceof Error ? last.message : JSON.stringify(last);
      throw new Error(`waited ${timeoutMs} ms for ${what}; last seen: ${seen}`);
    }
    await delay(intervalMs);
  }
}
