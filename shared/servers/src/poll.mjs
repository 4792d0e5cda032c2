import { setTimeout as delay } from 'node:timers/promises';

/**
 * Calls `look` repeatedly until it returns something truthy, and returns that. A throw counts as "not yet".
 * @template Result
 * @param {() => Promise<Result> | Result} look
 * @param {object} options
 * @param {number} options.timeoutMs how long in all
 * @param {number} [options.intervalMs] pause between two looks
 * @param {AbortSignal} [options.signal] gives up with the signal's reason
 * @returns {Promise<NonNullable<Result> | undefined>} `undefined` when the time is over
 */
export async function poll(look, { timeoutMs, intervalMs = 50, signal }) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const found = await Promise.resolve()
      .then(look)
      .catch(() => undefined);
    if (found) return found;
    if (Date.now() >= deadline) return undefined;
    await delay(intervalMs);
  }
}
