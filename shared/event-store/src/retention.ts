import { setTimeout as pause } from 'node:timers/promises';
import {
  type Component,
  Counter,
  createMetricsRegistry,
  type Logger,
  type MetricsRegistry,
  silentLogger,
} from '@warren/kernel';
import type { EventStore } from './event-store.ts';

/** Rows of a table that are of no use after some time. */
export interface RetentionRule {
  /** Its name, which is written into SQL as it is. */
  table: string;
  /** When the row was written: a `timestamptz` with an index, written into SQL as it is. */
  column: string;
  /** Rows older than so many milliseconds go. */
  keepMs: number;
}

export interface RetentionOptions {
  store: Pick<EventStore, 'transaction'>;
  rules: readonly RetentionRule[];
  /** The most rows that one transaction deletes. @default 1000 */
  batchSize?: number;
  /** Between two batches, so that the work of the service goes first, in milliseconds. @default 200 */
  throttleMs?: number;
  /** Between two looks that find nothing more, in milliseconds. @default 60000 */
  everyMs?: number;
  logger?: Logger;
  metrics?: MetricsRegistry;
}

/** The inbox as a rule. A message that comes back later than this is handled again. */
export const inboxRetention = (keepMs: number): RetentionRule => ({ table: 'inbox', column: 'handled_at', keepMs });

/**
 * Deletes what is older than its rule allows, in small batches. Any number of instances may run it: rows that one is about to delete the
 * others pass over. A failure is logged, and the next look tries again.
 */
export function createRetentionJob(options: RetentionOptions): Component {
  const { store, rules, batchSize = 1000, throttleMs = 200, everyMs = 60_000, logger = silentLogger } = options;
  const { metrics = createMetricsRegistry('', { collectDefaults: false }) } = options;
  const stopping = new AbortController();
  const expired = new Counter({
    name: 'warren_store_expired_total',
    help: 'Rows deleted because they were older than the retention of their table',
    labelNames: ['table'],
    registers: [metrics],
  });
  let running: Promise<void> | undefined;

  /** Gives whether there may be more. */
  async function deleteBatch({ table, column, keepMs }: RetentionRule): Promise<boolean> {
    const { rowCount } = await store.transaction((tx) =>
      tx.query(
        `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
           SELECT ctid FROM ${table} WHERE ${column} < now() - $1 * interval '1 millisecond' LIMIT $2 FOR UPDATE SKIP LOCKED))`,
        [keepMs, batchSize],
      ),
    );
    expired.inc({ table }, rowCount ?? 0);
    return rowCount === batchSize;
  }

  async function sweep(rule: RetentionRule): Promise<void> {
    try {
      while (!stopping.signal.aborted && (await deleteBatch(rule))) await rest(throttleMs);
    } catch (err) {
      logger.warn({ err, table: rule.table }, 'old rows could not be deleted: trying again later');
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
