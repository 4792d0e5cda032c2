import { type Logger, type MetricsRegistry, silentLogger } from '@warren/kernel';
import type { PoolClient } from 'pg';
import type { DatabasePool } from '../database/create-pool.ts';
import { translateDatabaseError } from '../database/database-errors.ts';
import { runTransaction } from '../database/run-transaction.ts';
import { executeWrites } from '../store/execute-writes.ts';
import { appendEvents } from './append-events.ts';
import { claimMessages } from './claim-messages.ts';
import type { CommitListener, EventStore, InlineProjection, RecordedEvent, StoreTransaction } from './event-store.ts';
import { loadStreams } from './load-streams.ts';
import { storeErrors } from './store-errors.ts';
import { createStoreMetrics, type StoreMetrics } from './store-metrics.ts';

export interface EventStoreOptions {
  /** A pool whose schema has the tables of `eventStoreMigrations`. */
  pool: DatabasePool;
  /** Applied in this order to all appended events, in their transaction. @default none */
  projections?: readonly InlineProjection[];
  logger?: Logger;
  metrics?: MetricsRegistry;
}

/** Events appended by one transaction so far; counted only after the commit. */
interface Tally {
  appended: RecordedEvent[];
  /** Id of the transaction. Undefined while nothing is appended. */
  tx?: string | undefined;
}

/** Creates an event store on Postgres: log, outbox and inbox in one transaction. See {@link EventStore}. */
export function createEventStore(options: EventStoreOptions): EventStore {
  const { pool, projections = [], logger = silentLogger } = options;
  const metrics = createStoreMetrics(options.metrics);
  const listeners = new Set<CommitListener>();

  async function transaction<Result>(work: (tx: StoreTransaction) => Promise<Result>): Promise<Result> {
    const stopTimer = metrics.seconds.startTimer();
    let tally: Tally = { appended: [] };
    try {
      const result = await runTransaction(
        pool,
        (client) => {
          tally = { appended: [] };
          return work(storeTransaction(client, projections, metrics, tally));
        },
        (err, attempt) => {
          metrics.retries.inc();
          logger.debug({ err, attempt }, 'retrying a transaction');
        },
      );
      stopTimer({ outcome: 'committed' });
      committed(tally);
      return result;
    } catch (error) {
      stopTimer({ outcome: 'rolled-back' });
      throw error;
    }
  }

  function committed({ appended, tx }: Tally): void {
    if (tx === undefined) return;
    metrics.appended.inc(appended.length);
    for (const listener of listeners) {
      try {
        listener(appended, tx);
      } catch (err) {
        logger.error({ err }, 'a commit listener failed');
      }
    }
  }

  return {
    transaction,
    load: (streamIds) => loadStreams(pool, streamIds).catch(rethrow),
    query: ((...args: Parameters<PoolClient['query']>) =>
      Promise.resolve(pool.query(...args)).catch(rethrow)) as PoolClient['query'],
    onCommitted(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function storeTransaction(
  client: PoolClient,
  projections: readonly InlineProjection[],
  metrics: StoreMetrics,
  tally: Tally,
): StoreTransaction {
  const query = client.query.bind(client);
  return {
    query,
    load: (streamIds) => loadStreams(client, streamIds),
    async claim(consumer, messageIds) {
      const claimed = await claimMessages(client, consumer, messageIds);
      metrics.inbox.inc({ consumer, result: 'new' }, claimed.size);
      metrics.inbox.inc({ consumer, result: 'duplicate' }, messageIds.length - claimed.size);
      return claimed;
    },
    async append(operations, beside = []) {
      const { outcomes, tx } = await appendEvents(client, operations);
      tally.tx ??= tx;
      const appended = outcomes.flatMap((outcome) => (outcome.status === 'appended' ? outcome.events : []));
      const conflicts = outcomes.filter((outcome) => outcome.status === 'conflict').length;
      metrics.conflicts.inc(conflicts);
      if (conflicts > 0 && beside.length > 0) {
        throw storeErrors.TRANSACTION_CONTENTION(
          'a concurrent append changed a stream that other statements of the commit depend on',
          {
            details: { conflicts },
          },
        );
      }
      const inOrder = appended.toSorted((a, b) => a.position - b.position);
      tally.appended.push(...inOrder);
      const applying = inOrder.length > 0 ? projections : [];
      await executeWrites({ query }, [...beside, ...applying.flatMap(({ writes }) => writes?.(inOrder) ?? [])]);
      for (const projection of applying) if (!projection.writes) await projection.apply({ query }, inOrder);
      return outcomes;
    },
  };
}

function rethrow(error: unknown): never {
  throw translateDatabaseError(error);
}
