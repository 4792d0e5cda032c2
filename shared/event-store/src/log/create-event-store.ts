import { type Logger, type MetricsRegistry, silentLogger } from '@warren/kernel';
import type { PoolClient } from 'pg';
import type { DatabasePool } from '../database/create-pool.ts';
import { translateDatabaseError } from '../database/database-errors.ts';
import { runTransaction } from '../database/run-transaction.ts';
import { executeWrites } from '../store/execute-writes.ts';
import type { SharedRows } from '../store/shared-rows.ts';
import { type Query, toQuery } from '../store/sql.ts';
import { appendEvents } from './append-events.ts';
import { claimMessages } from './claim-messages.ts';
import { commitOnce } from './commit-once.ts';
import type {
  CommitListener,
  EventStore,
  InlineProjection,
  RecordedEvent,
  SharedCommit,
  StoreTransaction,
} from './event-store.ts';
import { KnownValues } from './known-values.ts';
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

/** What one transaction has done so far; counts only after the commit. */
interface Tally {
  appended: RecordedEvent[];
  /** Functions that remember what the transaction has seen and changed. */
  learned: (() => void)[];
  /** Id of the transaction. Undefined while nothing is appended. */
  tx?: string | undefined;
}

/** Creates an event store on Postgres: log, outbox and inbox in one transaction. See {@link EventStore}. */
export function createEventStore(options: EventStoreOptions): EventStore {
  const { pool, projections = [], logger = silentLogger } = options;
  const metrics = createStoreMetrics(options.metrics);
  const listeners = new Set<CommitListener>();
  const known = new KnownValues();
  // A new session may be on another server, which knows less than the last one.
  pool.writes.on('connect', () => known.forgetAll());

  async function transaction<Result>(work: (tx: StoreTransaction) => Promise<Result>): Promise<Result> {
    let tally: Tally = { appended: [], learned: [] };
    const result = await runTransaction(
      pool,
      (client) => {
        tally = { appended: [], learned: [] };
        return work(storeTransaction(client, { projections, metrics, known, tally }));
      },
      (err, attempt) => {
        metrics.retries.inc();
        logger.debug({ err, attempt }, 'retrying a transaction');
      },
    );
    for (const learn of tally.learned) learn();
    committed(tally);
    return result;
  }

  async function timed<Result>(run: () => Promise<Result>): Promise<Result> {
    const stopTimer = metrics.seconds.startTimer();
    try {
      const result = await run();
      stopTimer({ outcome: 'committed' });
      return result;
    } catch (error) {
      stopTimer({ outcome: 'rolled-back' });
      throw error;
    }
  }

  function committed({ appended, tx }: Pick<Tally, 'appended' | 'tx'>): void {
    if (appended.length === 0 || tx === undefined) return;
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
    transaction: (work) => timed(() => transaction(work)),
    commit: (work) =>
      timed(async () => {
        const stored = await commitOnce(work, { pool, known, projections, metrics, logger, committed });
        return stored ? stored.result : transaction(work);
      }),
    load: (streamIds) => loadStreams(pool, streamIds).catch(rethrow),
    query: ((...args: Parameters<PoolClient['query']>) =>
      Promise.resolve(pool.query(...args)).catch(rethrow)) as PoolClient['query'],
    onCommitted(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

interface TransactionParts {
  projections: readonly InlineProjection[];
  metrics: StoreMetrics;
  known: KnownValues;
  tally: Tally;
}

function storeTransaction(
  client: PoolClient,
  { projections, metrics, known, tally }: TransactionParts,
): StoreTransaction {
  const query = client.query.bind(client);
  return {
    query,
    async load(streamIds) {
      const streams = await loadStreams(client, streamIds);
      tally.learned.push(() => {
        for (const [id, events] of streams) known.keepStream(id, events);
      });
      return streams;
    },
    claimKeys: (keys, uses) => keys.claim({ query }, uses),
    async lock<Value>(rows: SharedRows<Value>, keys: readonly string[]) {
      const found = await query<{ key: string; value: Value }>(toQuery(rows.lock(keys)) as Query);
      const values = new Map(found.rows.map(({ key, value }) => [key, value]));
      const after = new Map(keys.map((key) => [key, values.get(key)]));
      tally.learned.push(() => known.keepValues(rows as SharedRows<unknown>, after));
      return values;
    },
    async claim(consumer, messageIds) {
      const claimed = await claimMessages(client, consumer, messageIds);
      metrics.inbox.inc({ consumer, result: 'new' }, claimed.size);
      metrics.inbox.inc({ consumer, result: 'duplicate' }, messageIds.length - claimed.size);
      return claimed;
    },
    async append(operations, beside = [], shared?: SharedCommit) {
      // Before the streams are locked, in the order of `commitStatement`.
      await executeWrites({ query }, beside);
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
      tally.learned.push(() => {
        if (shared) known.keepValues(shared.rows, shared.after);
        for (const [at, { streamId, expectedVersion }] of operations.entries()) {
          const outcome = outcomes[at];
          if (outcome?.status === 'appended') known.extendStream(streamId, expectedVersion, outcome.events);
        }
      });
      const applying = inOrder.length > 0 ? projections : [];
      await executeWrites(
        { query },
        applying.flatMap(({ writes }) => writes?.(inOrder) ?? []),
      );
      for (const projection of applying) if (!projection.writes) await projection.apply({ query }, inOrder);
      return outcomes;
    },
    write: (writes) => executeWrites({ query }, writes),
    severalWrites: () => undefined,
  };
}

function rethrow(error: unknown): never {
  throw translateDatabaseError(error);
}
