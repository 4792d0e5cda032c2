import { setTimeout as pause } from 'node:timers/promises';
import { type Component, type Logger, type MetricsRegistry, silentLogger } from '@warren/kernel';
import type { EventStore } from '../log/event-store.ts';
import { createRetentionMetrics } from './retention-metrics.ts';
import type { RetentionRule, TakenBatch } from './retention-rule.ts';

export interface RetentionOptions {
  store: Pick<EventStore, 'transaction'>;
  rules: readonly RetentionRule[];
  /** The most rows that one transaction looks at. @default 1000 */
  batchSize?: number;
  /** Between two batches, so that the work of the service goes first, in milliseconds. @default 200 */
  throttleMs?: number;
  /** Between two looks that find nothing more, in milliseconds. @default 60000 */
  everyMs?: number;
  logger?: Logger;
  metrics?: MetricsRegistry;
}

/**
 * Takes away what is older than its rule allows, in small batches. Any number of instances may run it: rows that one is about to take
 * away the others pass over. A failure is logged, and the next look tries again.
 */
export function createRetentionJob(options: RetentionOptions): Component {
  const { store, rules, batchSize = 1000, throttleMs = 200, everyMs = 60_000, logger = silentLogger } = options;
  const metrics = createRetentionMetrics(options.metrics);
  const stopping = new AbortController();
  let running: Promise<void> | undefined;

  async function takeBatch(rule: RetentionRule, after: number): Promise<TakenBatch> {
    const { table } = rule;
    const stopTimer = metrics.seconds.startTimer({ table });
    const batch = await store.transaction((tx) => rule.takeBatch(tx, { size: batchSize, after }));
    stopTimer();
    metrics.expired.inc({ table }, batch.rows);
    metrics.archivedStreams.inc(batch.streams ?? 0);
    return batch;
  }

  async function sweep(rule: RetentionRule): Promise<void> {
    const { table } = rule;
    try {
      let after: number | undefined = 0;
      while (after !== undefined && !stopping.signal.aborted) {
        ({ next: after } = await takeBatch(rule, after));
        if (after !== undefined) await rest(throttleMs);
      }
      if (after === undefined) metrics.lastRun.setToCurrentTime({ table });
    } catch (err) {
      logger.warn({ err, table }, 'old rows could not be taken away: trying again later');
    }
  }

  const rest = (ms: number) => pause(ms, undefined, { signal: stopping.signal }).catch(() => undefined);

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      for (const rule of rules) await sweep(rule);
      await rest(everyMs);
    }
  }

  return {
    name: 'retention',
    async start() {
      running = run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
