import { hasRows, type Query, rows, type Sql, sql, toQuery, verbatim, type Write } from '../store/sql.ts';
import { INTO_EVENTS, isAtVersion, type Placed, toJson } from './append-events.ts';

/** The SQLSTATE of `refuse_commit`, with which a commit undoes itself. */
export const COMMIT_REFUSED = 'WRN01';

/** An event of a commit. */
export interface PlacedEvent extends Placed {
  /** The version that its stream must have before the commit. */
  readonly expectedVersion: number;
}

export interface MessageClaim {
  readonly consumer: string;
  /** Without repetitions. */
  readonly messageIds: readonly string[];
  /** Number of repetitions that were left out. */
  readonly repeated: number;
}

/** Everything that a transaction stores. At least one part has rows. */
export interface CommitParts {
  /** Messages that must be new to the consumer. */
  readonly claim?: MessageClaim | undefined;
  /** Sent before the events: they lock rows that other streams compete for. */
  readonly before: readonly Write[];
  /** In the order of their streams and versions (see {@link inLogOrder}). */
  readonly events: readonly PlacedEvent[];
  readonly after: readonly Write[];
}

/** The row that {@link commitStatement} returns. */
export interface CommitRow {
  tx: string;
  /** The positions of the events, in their order; null if there are none. */
  positions: string[] | null;
}

const MESSAGE = { id: 'uuid' } as const;
const EVENT = {
  streamId: 'text',
  streamVersion: 'integer',
  id: 'uuid',
  type: 'text',
  version: 'integer',
  aggregateId: 'text',
  timestamp: 'timestamptz',
  data: 'text',
  metadata: 'text',
  routingKey: 'text',
  expectedVersion: 'integer',
} as const;

/**
 * Returns one statement that stores a whole transaction, or raises {@link COMMIT_REFUSED} and stores nothing, if a message was handled before, a
 * stream is at another version, or a write touches another number of rows than it expects.
 *
 * Postgres runs a subquery of a CASE when the CASE comes to it, so the order of the conditions is the order of the locks: inbox, shared rows,
 * streams, other rows. A transaction of several statements takes them in this order too, so that the two never deadlock. Each part must lock
 * its rows in one order. No part may depend on a row that another part locks: a statement sees the tables as they were when it began,
 * even after a wait for a lock.
 */
export function commitStatement({ claim, before, events, after }: CommitParts): Query {
  const parts: Part[] = [
    ...(claim ? [claimOf(claim)] : []),
    ...before.filter(hasRows).map((write, at) => partOf(`before_${at}`, write)),
    ...(events.length > 0 ? [appendOf(events)] : []),
    ...after.filter(hasRows).map((write, at) => partOf(`after_${at}`, write)),
  ];
  const expressions = parts.flatMap(({ name, statement }) => [
    sql`${verbatim(name)} AS (${statement})`,
    // Before the writes that ask for positions.
    ...(name === APPENDED ? [PLACED] : []),
  ]);
  const conditions = parts.map(
    ({ name, rows }) =>
      sql`WHEN (SELECT count(*) FROM ${verbatim(name)}) <> ${rows} THEN refuse_commit(${verbatim(`'${name}'`)})`,
  );
  const positions = verbatim(events.length > 0 ? '(SELECT positions FROM placed)' : 'NULL::bigint[]');
  return toQuery(sql`
    WITH ${joined(expressions, ',\n    ')}
    SELECT CASE ${joined(conditions, '\n      ')} END AS refusal, ${positions} AS positions, pg_current_xact_id()::text AS tx`) as Query;
}

/** Sorts events by stream, as the collation "C" does, and by version: the order in which they get their positions. */
export function inLogOrder<Event extends { streamId: string; streamVersion: number }>(
  events: readonly Event[],
): Event[] {
  return events
    .map((event) => ({ event, bytes: Buffer.from(event.streamId) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes) || a.event.streamVersion - b.event.streamVersion)
    .map(({ event }) => event);
}

const APPENDED = 'appended';
const PLACED = sql`placed AS (SELECT array_agg(position ORDER BY position) AS positions FROM ${verbatim(APPENDED)})`;

interface Part {
  readonly name: string;
  readonly statement: Sql;
  /** The number of rows that it must return; undefined for any. */
  readonly rows: number | undefined;
}

const partOf = (name: string, write: Write): Part => ({
  name,
  statement: sql`${write} RETURNING 1`,
  rows: write.expected?.rows,
});

/** Sorted, as in `CLAIM_MESSAGES`. */
const claimOf = ({ consumer, messageIds }: MessageClaim): Part => ({
  name: 'claimed',
  statement: sql`
    INSERT INTO inbox (message_id, consumer) SELECT id, ${consumer} FROM ${rows(
      'message',
      MESSAGE,
      messageIds.map((id) => ({ id })),
    )}
     ORDER BY id ON CONFLICT (message_id, consumer) DO NOTHING RETURNING 1`,
  rows: messageIds.length,
});

/** All events or none, so the later ones of a stream are checked as its first. */
function appendOf(events: readonly PlacedEvent[]): Part {
  const items = events.map(({ event, streamId, streamVersion, expectedVersion }) => {
    const { id, type, version, aggregateId, timestamp, routingKey } = event;
    const [data, metadata] = [toJson(type, event.data ?? null), toJson(type, event.metadata)];
    return {
      streamId,
      streamVersion,
      id,
      type,
      version,
      aggregateId,
      timestamp,
      data,
      metadata,
      routingKey,
      expectedVersion,
    };
  });
  return {
    name: APPENDED,
    statement: sql`
      ${verbatim(INTO_EVENTS)}
      SELECT e.stream_id, e.stream_version, e.id, e.type, e.version, e.aggregate_id, e.timestamp, e.data::json, e.metadata::json, e.routing_key
        FROM ${rows('e', EVENT, items)} WHERE ${verbatim(isAtVersion('e.expected_version'))}
       ORDER BY e.stream_id COLLATE "C", e.stream_version
          ON CONFLICT (stream_id, stream_version) DO NOTHING RETURNING position`,
    rows: events.length,
  };
}

const joined = (statements: readonly Sql[], separator: string): Sql => ({
  parts: statements.flatMap(({ parts }, at) => (at === 0 ? parts : [separator, ...parts])),
});
