import { type AppError, isAppError, type Logger } from '@warren/kernel';
import type { DatabasePool } from '../database/create-pool.ts';
import { isDatabaseError, translateDatabaseError } from '../database/database-errors.ts';
import { onSession } from '../database/run-transaction.ts';
import { type Query, toQuery } from '../store/sql.ts';
import { COMMIT_REFUSED, type CommitParts, type CommitRow, commitStatement } from './commit-statement.ts';
import { Draft, Unsuited } from './draft.ts';
import type { InlineProjection, RecordedEvent, StoreTransaction } from './event-store.ts';
import type { KnownValues, Subjects } from './known-values.ts';
import { loadStreams } from './load-streams.ts';
import { recorded } from './recorded-event.ts';
import type { StoreMetrics } from './store-metrics.ts';

export interface CommitOnceOptions {
  pool: DatabasePool;
  known: KnownValues;
  projections: readonly InlineProjection[];
  metrics: StoreMetrics;
  logger: Logger;
  /** Called after the commit. */
  committed(commit: { appended: RecordedEvent[]; tx: string | undefined }): void;
}

/** The streams of a batch, and then the shared values that they lead to. */
const MAX_READS = 2;

/** Nothing is stored, but a transaction may succeed. */
class NotStored extends Error {
  readonly reason: 'refused' | 'failed';
  /** Code of the translated error. */
  readonly code: string;

  constructor(cause: unknown, { code, message }: AppError) {
    super(message, { cause });
    this.code = code;
    this.reason = isDatabaseError(cause) && cause.code === COMMIT_REFUSED ? 'refused' : 'failed';
  }

  /** Whether Postgres rejected the statement for something other than its own checks and concurrent changes. */
  get isFault(): boolean {
    return this.reason === 'failed' && this.code === 'DATABASE_FAULT';
  }
}

/**
 * Runs work on a {@link Draft} and stores its writes with one statement. If the work fails on its guesses, and this process had never seen some
 * of the guessed values, it reads these and runs the work again.
 * @returns undefined when nothing was stored: a transaction is needed
 * @throws `DATABASE_UNAVAILABLE` (what the work writes may or may not be stored), `DATABASE_REFUSED`, `DATABASE_TIMEOUT`
 */
export async function commitOnce<Result>(
  work: (tx: StoreTransaction) => Promise<Result>,
  options: CommitOnceOptions,
): Promise<{ result: Result } | undefined> {
  const { known, projections, metrics, logger } = options;
  for (let reads = 0; ; reads += 1) {
    const draft = new Draft({ known, projections, prepare: (parts) => prepare(parts, options) });
    try {
      const result = await work(draft);
      await draft.finish();
      return { result };
    } catch (error) {
      if (draft.isSent && !(error instanceof NotStored)) throw error;
      if (!draft.isSent && reads < MAX_READS && draft.mayNeedReading) {
        await read(draft.blind, options);
        continue;
      }
      if (draft.isSent) known.forget(draft.guessed);
      const reason = error instanceof NotStored || error instanceof Unsuited ? error.reason : 'error';
      metrics.fallbacks.inc({ reason });
      // Wrong guesses are refused, so a rejection may be a fault in the statement.
      const level = error instanceof NotStored && error.isFault ? 'warn' : 'debug';
      logger[level]({ err: error, reason }, 'a commit needs a transaction');
      return undefined;
    }
  }
}

function prepare(parts: CommitParts, options: CommitOnceOptions): () => Promise<RecordedEvent[]> {
  const query = commitStatement(parts);
  return () => send(query, parts, options);
}

async function send(query: Query, parts: CommitParts, options: CommitOnceOptions): Promise<RecordedEvent[]> {
  const { pool, known, metrics } = options;
  const { rows } = await onSession(pool, (client) => client.query<CommitRow>(query)).catch((error: unknown) => {
    throw notStored(error, known);
  });
  const positions = rows[0]?.positions ?? [];
  const events = parts.events.map(({ event, streamId, streamVersion }, at) =>
    recorded(event, Number(positions[at]), streamId, streamVersion),
  );
  const { claim } = parts;
  if (claim) {
    metrics.inbox.inc({ consumer: claim.consumer, result: 'new' }, claim.messageIds.length);
    metrics.inbox.inc({ consumer: claim.consumer, result: 'duplicate' }, claim.repeated);
  }
  options.committed({ appended: events.toSorted((a, b) => a.position - b.position), tx: rows[0]?.tx });
  return events;
}

async function read({ streams, rows, keys }: Subjects, { pool, known }: CommitOnceOptions): Promise<void> {
  const ids = [...streams];
  const query = rows && keys.size > 0 ? (toQuery(rows.lock([...keys])) as Query) : undefined;
  const [loaded, values] = await onSession(pool, (client) =>
    Promise.all([loadStreams(client, ids), query ? client.query<{ key: string; value: unknown }>(query) : undefined]),
  ).catch((error: unknown) => {
    throw translateDatabaseError(error);
  });
  for (const [id, events] of loaded) known.keepStream(id, events);
  if (!rows || !values) return;
  const found = new Map(values.rows.map(({ key, value }) => [key, value]));
  known.keepValues(rows, new Map([...keys].map((key) => [key, found.get(key)])));
}

/** After a rejected statement nothing is stored. After anything else the outcome is unknown, perhaps even the server is another one. */
function notStored(error: unknown, known: KnownValues): unknown {
  const translated = translateDatabaseError(error);
  const isRejected = isAppError(translated) && ['DATABASE_FAULT', 'TRANSACTION_CONTENTION'].includes(translated.code);
  if (isRejected) return new NotStored(error, translated);
  known.forgetAll();
  return translated;
}
