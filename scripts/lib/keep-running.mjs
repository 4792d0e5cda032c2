import { setTimeout as delay } from 'node:timers/promises';
import { createBackoff } from '../../shared/servers/src/index.mjs';

/**
 * Something that runs in its own process: a broker, a database, a service.
 * @typedef {object} Running
 * @property {import('../../shared/servers/src/index.mjs').Child} child when it ends, the whole has ended
 * @property {() => Promise<unknown>} stop
 */

/**
 * @typedef {object} Timing
 * @property {() => number} now milliseconds
 * @property {(ms: number, signal: AbortSignal) => Promise<unknown>} pause rejects when the signal is aborted
 */

/** @type {Timing} */
const realTiming = { now: () => Date.now(), pause: (ms, signal) => delay(ms, undefined, { signal }) };

/**
 * Restarts something whenever it ends by itself, after a pause that grows from 1 s to 30 s, and reports it.
 * @param {object} options
 * @param {string} options.name for messages
 * @param {Running} options.first what is already running
 * @param {(signal: AbortSignal) => Promise<Running>} options.start
 * @param {import('./report.mjs').Report} options.report
 * @param {Timing} [options.timing] for tests
 */
export function keepRunning({ name, first, start, report, timing = realTiming }) {
  const stopping = new AbortController();
  const { signal } = stopping;
  const backoff = createBackoff();
  let running = first;
  let startedAt = timing.now();
  let wanted = false;
  let pausing = new AbortController();

  async function startAgain() {
    for (;;) {
      const waitMs = wanted ? 0 : backoff.next(timing.now() - startedAt);
      if (waitMs > 0)
        report.warn(`${name} ended (${describeExit(running.child.exit)}); it starts again in ${waitMs / 1000} s`);
      await pauseFor(waitMs);
      wanted = false;
      startedAt = timing.now();
      try {
        running = await start(signal);
        if (signal.aborted) await running.stop();
        signal.throwIfAborted();
        report.say(`✓ ${name} runs again (process ${running.child.pid})`);
        return;
      } catch (error) {
        signal.throwIfAborted();
        report.warn(`${name} could not be started: ${/** @type {Error} */ (error).message}`);
      }
    }
  }

  /** @param {number} waitMs cut short by `restart` */
  async function pauseFor(waitMs) {
    pausing = new AbortController();
    try {
      await timing.pause(waitMs, AbortSignal.any([signal, pausing.signal]));
    } catch {
      signal.throwIfAborted();
    }
  }

  const watching = (async () => {
    for (;;) {
      await running.child.exited;
      if (signal.aborted) return;
      await startAgain();
    }
  })().catch((error) => {
    if (!signal.aborted) throw error;
  });

  return {
    /** Stops it and restarts it at once, to run new code. */
    async restart() {
      wanted = true;
      pausing.abort();
      await running.stop();
    },
    /** Stops it for good; returns how the last process ended. */
    async stop() {
      stopping.abort();
      await running.stop();
      await watching;
      return running.child.exit;
    },
  };
}

/** @param {import('../../shared/servers/src/index.mjs').Exit | undefined} exit */
export function describeExit(exit) {
  return exit?.signal ? `killed by ${exit.signal}` : `exit code ${exit?.code ?? 'unknown'}`;
}
