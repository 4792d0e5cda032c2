import { setTimeout as delay } from 'node:timers/promises';
import { type Component, Gauge, type Logger, type MetricsRegistry, toAppError } from '@warren/kernel';
import type { Orders } from '../../application/orders.ts';

export interface DeadlineJobOptions {
  orders: Pick<Orders, 'cancelOverdue'>;
  /** How long an order may be pending, in milliseconds: the job looks ten times as often, at most every second. */
  deadlineMs: number;
  logger: Logger;
  metrics: MetricsRegistry;
}

/** The most orders that are cancelled in one transaction. */
const BATCH = 200;

/**
 * Cancels overdue orders, looking at what is stored again and again: there are no timers to lose, so a restart changes nothing, and any
 * number of instances may run it. Down while its last look failed.
 */
export function createDeadlineJob({ orders, deadlineMs, logger, metrics }: DeadlineJobOptions): Component {
  const pauseMs = Math.min(Math.max(deadlineMs / 10, 20), 1000);
  const stopping = new AbortController();
  const overdue = new Gauge({
    name: 'warren_order_overdue',
    help: 'Orders found pending after their deadline at the last look; more than 0 for long means that they are not cancelled',
    registers: [metrics],
  });
  let running: Promise<void> | undefined;
  let failure: string | undefined;

  async function look(): Promise<void> {
    try {
      overdue.set(await orders.cancelOverdue(BATCH, stopping.signal));
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
    },
    health: () => (failure === undefined ? { up: true } : { up: false, reason: failure, details: { failure } }),
  };
}
