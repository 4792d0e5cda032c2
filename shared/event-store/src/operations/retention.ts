import { setTimeout as pause } from 'node:timers/promises';
import { type Logger, type MetricsRegistry, silentLogger, toAppError } from '@warren/kernel';
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
  logger?: Logger;
  metrics?: MetricsRegistry;
}

export interface Retention {
  /**
   * Goes through all tables once, or until the signal is aborted. Any number of instances may do so: rows that one is about to take away the
   * others pass over. A table that fails is logged and does not keep the others from their turn.
   * @throws after all the tables: a failure that does not pass by itself, of a table that has not been gone through since
   */
  sweep(signal: AbortSignal): Promise<void>;
}

/** Takes away what is older than its rule allows, in small batches. */
export function createRetention(options: RetentionOptions): Retention {
  const { store, rules, batchSize = 1000, throttleMs = 200, logger = silentLogger } = options;
  const metrics = createRetentionMetrics(options.metrics);
  /** Until the table has been gone through: that the database is away in between mends nothing. */
  const lasting = new Map<RetentionRule, unknown>();

  async function takeBatch(rule: RetentionRule, after: number): Promise<TakenBatch> {
    const { table } = rule;
    const stopTimer = metrics.seconds.startTimer({ table });
    const batch = await store.transaction((tx) => rule.takeBatch(tx, { size: batchSize, after }));
    stopTimer();
    metrics.expired.inc({ table }, batch.rows);
    metrics.archivedStreams.inc(batch.streams ?? 0);
    return batch;
  }

  async function sweepTable(rule: RetentionRule, signal: AbortSignal): Promise<void> {
    let after: number | undefined = 0;
    while (after !== undefined && !signal.aborted) {
      ({ next: after } = await takeBatch(rule, after));
      if (after !== undefined) await pause(throttleMs, undefined, { signal }).catch(() => undefined);
    }
    if (after !== undefined) return;
    lasting.delete(rule);
    metrics.lastRun.setToCurrentTime({ table: rule.table });
  }

  return {
    async sweep(signal) {
      for (const rule of rules) {
        await sweepTable(rule, signal).catch((err) => {
          logger.warn({ err, table: rule.table }, 'old rows could not be taken away: trying again later');
          if (toAppError(err).kind !== 'transient') lasting.set(rule, err);
        });
      }
      if (lasting.size > 0) throw [...lasting.values()][0];
    },
  };
}
