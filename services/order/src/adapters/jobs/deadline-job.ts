import { setTimeout as delay } from 'node:timers/promises';
import { type Component, Gauge, type Logger, type MetricsRegistry, toAppError } from '@warren/kernel';
import type { DeadlineWatch } from '../../application/watch-deadlines.ts';

export interface DeadlineJobOptions {
  watch: DeadlineWatch;
  /** Between two looks, in milliseconds. See {@link deadlinePace}. */
  pauseMs: number;
  logger: Logger;
  metrics: MetricsRegistry;
}

/** How often is looked for orders that are due, and after how long a silent instance counts as lost, in milliseconds. */
export function deadlinePace(deadlineMs: number): { pauseMs: number; patienceMs: number } {
  const pauseMs = Math.min(Math.max(deadlineMs / 10, 20), 1000);
  return { pauseMs, patienceMs: Math.max(3 * pauseMs, 5000) };
}

/**
 * Cancels overdue orders, looking at what is stored again and again: there are no timers to lose, so a restart changes nothing, and any
 * number of instances may run it. Down while its last look failed. To be stopped after the subscriptions: what they give back in the end
 * the other instances have to know of.
 */
export function createDeadlineJob({ watch, pauseMs, logger, metrics }: DeadlineJobOptions): Component {
  const stopping = new AbortController();
  const overdue = new Gauge({
    name: 'warren_order_overdue',
    help: 'Orders found pending after their deadline at the last look, up to 200; more than 0 for long means that they are not cancelled (DEADLINE_HELD says why)',
    registers: [metrics],
  });
  let running: Promise<void> | undefined;
  let failure: string | undefined;

  async function look(): Promise<void> {
    try {
      overdue.set(await watch.look(stopping.signal));
      failure = undefined;
    } catch (err) {
      const { code, message } = toAppError(err);
      if (failure === undefined) logger.warn({ err }, 'overdue orders cannot be cancelled right now');
      failure = `${code}: ${message}`;
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await look();
      await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  return {
    name: 'deadlines',
    async start() {
      running = run();
    },
    async stop() {
      stopping.abort();
      await running;
      // Without it the others find out by themselves, only later.
      await watch.leave().catch((err) => logger.warn({ err }, 'the answer queues were left without a goodbye'));
    },
    health: () => (failure === undefined ? { up: true } : { up: false, reason: failure, details: { failure } }),
  };
}
