import { setTimeout as delay } from 'node:timers/promises';
import { type Component, Gauge, type Logger, type MetricsRegistry } from '@warren/kernel';
import type { OrderWatch } from '../../application/order-watch.ts';

export interface WatchJobOptions {
  watch: OrderWatch;
  /** How soon a change by another instance is found, in milliseconds. @default 250 */
  pollMs?: number;
  logger: Logger;
  metrics: MetricsRegistry;
}

/** Keeps the watch looking for what other instances do. Stopped before the HTTP server, it lets everybody go who waits for an order. */
export function createWatchJob({ watch, pollMs = 250, logger, metrics }: WatchJobOptions): Component {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  new Gauge({
    name: 'warren_order_followers',
    help: 'Clients that follow an order or wait for its end at the moment',
    registers: [metrics],
    collect() {
      this.set(watch.size);
    },
  });

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      // The database is a component of its own: when it is away, readiness says so already.
      await watch.poll().catch((err) => logger.debug({ err }, 'the orders that are followed cannot be read right now'));
      await delay(pollMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  return {
    name: 'watch',
    async start() {
      running = run();
    },
    async stop() {
      stopping.abort();
      watch.close();
      await running;
    },
  };
}
