import { setTimeout as pause } from 'node:timers/promises';
import { type Logger, type MetricsRegistry, silentLogger, toAppError } from '@warren/kernel';
import type { EventStore } from '../log/event-store.ts';
import { createRetentionMetrics } from './retention-metrics.ts';
import type { RetentionRule, TakenBatch } from './retention-rule.ts';

export interface RetentionOptions {
  store: Pick<EventStore, 'transaction'>;
  rules: readonly RetentionRule[];
  /** Maximum number of rows that one transaction examines. @default 1000 */
  batchSize?: number;
  /** Pause between two batches, in milliseconds, so that the service's own work has priority. @default 200 */
  throttleMs?: number;
  logger?: Logger;
  metrics?: MetricsRegistry;
}

export interface Retention {
  /**
   * Sweeps all tables once, or until the signal is aborted. Any number of instances may sweep: each skips rows that another is removing. A
   * failure of one table is logged and does not prevent the others.
   * @throws after all tables: a non-transient failure of a table that has not been swept completely since
   */
  sweep(signal: AbortSignal): Promise<void>;
}

/** Removes rows that are older than their rule allows, in small batches. */
export function createRetention(options: RetentionOptions): Retention {
  const { store, rules, batchSize = 1000, throttleMs = 200, logger = silentLogger } = options;
  const metrics = createRetentionMetrics(options.metrics);
  /** Non-transient failures, kept until their table is swept completely. A database outage in between fixes nothing. */
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
          logger.warn({ err, table: rule.table }, 'could not remove old rows: will retry');
          if (toAppError(err).kind !== 'transient') lasting.set(rule, err);
        });
      }
      if (lasting.size > 0) throw [...lasting.values()][0];
    },
  };
}
