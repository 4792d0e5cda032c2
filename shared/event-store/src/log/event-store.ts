import type { EventEnvelope } from '@warren/contracts';
import type { PoolClient } from 'pg';
import type { SharedRows } from '../store/shared-rows.ts';
import type { Write } from '../store/sql.ts';
import type { IdempotencyKeys, KeyUse } from './idempotency-key-uses.ts';

/** An event to be appended. With `routingKey` null the event stays inside the service: the relay skips it. */
export interface NewEvent extends EventEnvelope {
  routingKey: string | null;
}

/** An event in the log. */
export interface RecordedEvent extends NewEvent {
  /** Position in the whole log; increasing, with gaps. Up to 2^53. */
  position: number;
  streamId: string;
  /** Position in its stream, from 1 without gaps. */
  streamVersion: number;
}

/** Events to append to one stream, all or none, if the stream still has the expected version. */
export interface AppendOperation {
  /** `<category>-<id>`, e.g. `home-0192…`. */
  streamId: string;
  /** Number of events the stream must have; 0 for a new one. */
  expectedVersion: number;
  events: readonly NewEvent[];
}

/** `conflict`: another transaction appended first. Nothing of the operation was written; load and decide again. */
export type AppendOutcome = { status: 'appended'; events: RecordedEvent[] } | { status: 'conflict' };

/** Changes of shared values that the operations of an append depend on. */
export interface SharedCommit {
  readonly rows: SharedRows<unknown>;
  /** The values after the commit, by key; `undefined` for a key without a row. */
  readonly after: ReadonlyMap<string, unknown>;
  /** The keys whose change is valid only if every decision that read them was right. */
  readonly verified: readonly string[];
}

/** One transaction. Everything is written together or not at all. */
export interface StoreTransaction {
  /**
   * Runs plain SQL in the same transaction, for the service's own tables. `search_path` is the service's schema. A statement with a `name` is
   * parsed once per connection; name a statement that runs often and whose text is constant. It must not use `SELECT *`: a migration of a
   * newer version would change the result type of the prepared statement, which Postgres rejects.
   */
  query: PoolClient['query'];
  /**
   * The inbox: marks messages as handled by a consumer (its queue's name) and returns the ids that were not handled before.
   * The claim holds only if the transaction commits. Waits for a concurrent claim of the same message.
   * @throws `MESSAGE_ID_INVALID` when an id is not a UUID
   */
  claim(consumer: string, messageIds: readonly string[]): Promise<Set<string>>;
  /** Claims Idempotency-Keys; see {@link IdempotencyKeys}. */
  claimKeys(keys: IdempotencyKeys, uses: readonly KeyUse[]): Promise<Map<string, KeyUse>>;
  /** Locks shared values and returns those that have a row, by key. */
  lock<Value>(rows: SharedRows<Value>, keys: readonly string[]): Promise<Map<string, Value>>;
  /** Returns the events of many streams in one query, in stream order. A stream without events has an empty list. */
  load(streamIds: readonly string[]): Promise<Map<string, RecordedEvent[]>>;
  /**
   * Appends many operations in two statements. At most one operation per stream. Returns outcomes in the order of the operations; a conflict
   * fails only its own operation. Inline projections are applied to the appended events before this resolves.
   * An operation without events writes nothing and counts as appended, whatever version it expects. The events must not be changed afterwards.
   * @param beside statements that all operations depend on, sent before the events
   * @param shared the shared values that `beside` changes
   * @throws `APPEND_INVALID` for two operations on one stream or an invalid version; `TRANSACTION_CONTENTION` for a conflict if `beside` has
   * statements, or when one of them affects other rows than it expects
   */
  append(
    operations: readonly AppendOperation[],
    beside?: readonly Write[],
    shared?: SharedCommit,
  ): Promise<AppendOutcome[]>;
  /**
   * Sends the statements as one.
   * @throws `otherwise` of a statement that touches another number of rows than it expects; `TRANSACTION_CONTENTION` if it has none
   */
  write(writes: readonly Write[]): Promise<void>;
  /** Must be called before the first write by work that writes more than once (see {@link EventStore.commit}). */
  severalWrites(): void;
}

/** A read model that is updated in the transaction that appends, so it is always consistent with the log. */
export interface InlineProjection {
  /** Lower-case letters, digits and `_`. */
  name: string;
  /** The tables of the projection. Nothing else writes to them. Their contents follow from the log, so they can be rebuilt from it. */
  tables: readonly string[];
  /**
   * Applies the next events, each exactly once, in log order. Name tables without their schema: a rebuild (`rebuildProjection`) calls this on
   * new tables in another schema, with pages of thousands of events, and with unique indexes only.
   */
  apply(tx: Pick<StoreTransaction, 'query'>, events: readonly RecordedEvent[]): Promise<void>;
  /** Returns what {@link apply} would write, as data, so that it is sent together with the other writes of the commit. */
  readonly writes?: (events: readonly RecordedEvent[]) => readonly Write[];
}

/** Called with the events of a transaction, in log order, and its id: xid8 as text. */
export type CommitListener = (events: readonly RecordedEvent[], tx: string) => void;

export interface EventStore {
  /**
   * Runs the work in one transaction and commits. After a serialization failure, a deadlock, or a `TRANSACTION_CONTENTION` thrown by the work,
   * it runs the work again from the start (up to 5 attempts), so the work must have no side effects that a rollback does not undo.
   * @throws `DATABASE_UNAVAILABLE` when the database cannot be reached; during the commit, the transaction may or may not be stored.
   * `DATABASE_TIMEOUT`, `TRANSACTION_CONTENTION` (all three transient), `DATABASE_FAULT`; anything else that the work throws, unchanged
   */
  transaction<Result>(work: (tx: StoreTransaction) => Promise<Result>): Promise<Result>;
  /**
   * As {@link transaction}, for work whose only write is one `append` or one `write`. It usually takes one round trip: the work runs on what this
   * process saw last, and one statement verifies that and stores everything. If the statement is refused or cannot be used, nothing is stored, and
   * the work runs again in a transaction. So the work must have no effects besides its writes and its result, and must not throw after its write.
   */
  commit<Result>(work: (tx: StoreTransaction) => Promise<Result>): Promise<Result>;
  /** As in {@link StoreTransaction.load}, outside any transaction. */
  load(streamIds: readonly string[]): Promise<Map<string, RecordedEvent[]>>;
  /** Runs a read-only query on the service's own tables. Errors are translated as in `transaction`. */
  query: PoolClient['query'];
  /** Calls the listener with the appended events after each commit of this store that appended any. Returns a function that removes it. */
  onCommitted(listener: CommitListener): () => void;
}
