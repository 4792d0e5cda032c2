import type { EventEnvelope } from '@warren/contracts';
import type { PoolClient } from 'pg';
import type { Write } from '../store/sql.ts';

/** An event to be appended. `routingKey` null keeps it inside the service: the relay passes it over. */
export interface NewEvent extends EventEnvelope {
  routingKey: string | null;
}

/** An event as it stands in the log. */
export interface RecordedEvent extends NewEvent {
  /** Place in the whole log; increasing, with gaps. Up to 2^53. */
  position: number;
  streamId: string;
  /** Place in its stream, from 1 without gaps. */
  streamVersion: number;
}

/** Events to add to one stream, all or none, provided that the stream still has the expected version. */
export interface AppendOperation {
  /** `<category>-<id>`, e.g. `home-0192…`. */
  streamId: string;
  /** Number of events the stream must have; 0 for a new one. */
  expectedVersion: number;
  events: readonly NewEvent[];
}

/** `conflict`: somebody else appended first. Nothing of the operation was written; load again and decide again. */
export type AppendOutcome = { status: 'appended'; events: RecordedEvent[] } | { status: 'conflict' };

/** What may be done inside one transaction. Everything is written together or not at all. */
export interface StoreTransaction {
  /**
   * Plain SQL in the same transaction, for the service's own tables. `search_path` is the service's schema. A statement with a `name` is
   * parsed once per connection: for one that runs often, with a text that stays the same. It must not `SELECT *`: a migration of a newer
   * version would change its result under the prepared statement, which Postgres refuses.
   */
  query: PoolClient['query'];
  /**
   * Notes messages as handled by a consumer (its queue's name) and gives those that had not been: the inbox.
   * A message claimed here stays claimed only if the transaction commits. A simultaneous claim elsewhere is waited for.
   * @throws `MESSAGE_ID_INVALID` when an id is not a UUID.
   */
  claim(consumer: string, messageIds: readonly string[]): Promise<Set<string>>;
  /** The events of many streams in one query, each in its order. A stream without events gives an empty list. */
  load(streamIds: readonly string[]): Promise<Map<string, RecordedEvent[]>>;
  /**
   * Appends many operations in two statements. At most one operation per stream. Outcomes come in the order of the
   * operations; a conflict fails its operation alone. Inline projections see what was appended, before this resolves.
   * An operation without events writes nothing and counts as appended, whatever version it expects.
   * @param beside statements that all of the operations depend on, sent with those of the projections
   * @throws `APPEND_INVALID` for two operations on one stream or a version that is none; `TRANSACTION_CONTENTION` for a conflict where there
   * are statements beside, or when one of these touches other rows than it expects
   */
  append(operations: readonly AppendOperation[], beside?: readonly Write[]): Promise<AppendOutcome[]>;
}

/** A read model kept in the transaction that appends: never behind, never ahead. */
export interface InlineProjection {
  /** Lower-case letters, digits and `_`. */
  name: string;
  /** The tables that it keeps, which nobody else writes to. All of what they hold follows from the log, so they can be made anew from it. */
  tables: readonly string[];
  /**
   * Applies the next events, each exactly once, in the order of the log. Tables are named without their schema: a rebuild
   * (`rebuildProjection`) calls it on new ones elsewhere, with pages of thousands of events, and with unique indexes only.
   */
  apply(tx: Pick<StoreTransaction, 'query'>, events: readonly RecordedEvent[]): Promise<void>;
  /** What {@link apply} would write, as data: then it is sent together with what else belongs to the commit. */
  readonly writes?: (events: readonly RecordedEvent[]) => readonly Write[];
}

/** Hears of the events of a transaction, in the order of the log. */
export type CommitListener = (events: readonly RecordedEvent[]) => void;

export interface EventStore {
  /**
   * Runs the work in one transaction and commits. A serialization failure, a deadlock, or a `TRANSACTION_CONTENTION` that the work
   * throws itself runs it again from the start (up to 5 tries), so it must not do anything that a rollback does not undo.
   * @throws `DATABASE_UNAVAILABLE` when the database cannot be reached; if that happens during the commit, it may or may not be stored.
   * `DATABASE_TIMEOUT`, `TRANSACTION_CONTENTION` (all three transient), `DATABASE_FAULT`; whatever else the work throws, as it is.
   */
  transaction<Result>(work: (tx: StoreTransaction) => Promise<Result>): Promise<Result>;
  /** As in {@link StoreTransaction.load}, outside any transaction. */
  load(streamIds: readonly string[]): Promise<Map<string, RecordedEvent[]>>;
  /** A read-only query on the service's own tables, with the same translation of errors as `transaction`. */
  query: PoolClient['query'];
  /** Calls the listener after each commit of this store that appended something, with that. Gives the function that removes it. */
  onCommitted(listener: CommitListener): () => void;
}
