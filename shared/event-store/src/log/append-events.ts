import { findUnstorableText, mayHoldUnstorableText } from '@warren/kernel';
import type { ClientBase } from 'pg';
import type { AppendOperation, AppendOutcome, NewEvent, RecordedEvent } from './event-store.ts';
import { recorded } from './recorded-event.ts';
import { storeErrors } from './store-errors.ts';

/** The result of {@link appendEvents}. */
export interface Appended {
  /** In the order of the operations. */
  outcomes: AppendOutcome[];
  /** Id of the transaction, xid8 as text. Undefined if nothing was appended. */
  tx: string | undefined;
}

/** An event and its intended position in the stream. */
export interface Placed {
  streamId: string;
  streamVersion: number;
  event: NewEvent;
}

interface InsertedRow {
  position: number;
  stream_id: string;
  stream_version: number;
  tx: string;
}

/** The beginning of every INSERT into the log. */
export const INTO_EVENTS = `
  INSERT INTO events (stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata, routing_key)`;

const INTO = `${INTO_EVENTS}
  SELECT e.* FROM unnest(
    $1::text[], $2::int[], $3::uuid[], $4::text[], $5::int[], $6::text[], $7::timestamptz[], $8::json[], $9::json[], $10::text[]
  ) AS e (stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata, routing_key)`;

const RETURNING = 'RETURNING position, stream_id, stream_version, tx';

/**
 * The condition that the stream of `e` is at a version, if no event of a later version is in the log: its last event exists (otherwise there
 * would be a gap). This event must also have a lower transaction id, so that ids rise along each stream: the
 * relay's windows depend on this (docs/adr/0003). Two kinds of ids are exempt: ids from before a restore, which are above every id of this
 * server, and ids in the archive, whose transactions ended before the events were archived. The archive holds the beginning of a stream
 * (docs/adr/0007), so it is only searched if the event is not in the log.
 */
export const isAtVersion = (version: string): string => `coalesce((
    SELECT p.tx <= pg_current_xact_id() OR p.tx >= pg_snapshot_xmax(pg_current_snapshot())
    FROM events p WHERE ${version} > 0 AND p.stream_id = e.stream_id AND p.stream_version = ${version}
  ), ${version} = coalesce((
    SELECT a.stream_version FROM archived_events a WHERE a.stream_id = e.stream_id ORDER BY a.stream_version DESC LIMIT 1
  ), 0))`;

/** Inserts the first event of each operation if the stream has the expected version, and the version of the event is not taken. */
export const APPEND_FIRST = `${INTO}
  WHERE ${isAtVersion('e.stream_version - 1')}
  ORDER BY e.stream_id COLLATE "C"
  ON CONFLICT (stream_id, stream_version) DO NOTHING ${RETURNING}`;

const APPEND_REST = `${INTO} ORDER BY e.stream_id COLLATE "C", e.stream_version ${RETURNING}`;

/** Finds a stream that is at its expected version but was last written by a transaction with a later id than this one. */
const OVERTAKEN = `
  SELECT FROM unnest($1::text[], $2::int[]) AS e (stream_id, version)
  JOIN events p ON p.stream_id = e.stream_id AND p.stream_version = e.version
  WHERE p.tx > pg_current_xact_id() AND p.tx < pg_snapshot_xmax(pg_current_snapshot())
    AND NOT EXISTS (SELECT FROM events n WHERE n.stream_id = e.stream_id AND n.stream_version = e.version + 1)
  LIMIT 1`;

/**
 * Appends many operations (see `StoreTransaction.append`). An operation without events writes nothing and counts as appended. Streams are
 * locked in sorted order, so that two batches never deadlock.
 * @throws `APPEND_INVALID`; `TRANSACTION_CONTENTION` when a transaction with a later id has written to a stream of the batch: this
 * transaction must run again with a new id
 */
export async function appendEvents(client: ClientBase, operations: readonly AppendOperation[]): Promise<Appended> {
  assertValid(operations);
  const firsts = operations.flatMap((operation) => placed(operation).slice(0, 1));
  const inserted = await insert(client, 'append-first', APPEND_FIRST, firsts);
  const positions = positionsOf(inserted);
  const won = (operation: AppendOperation) => positions.has(key(operation.streamId, operation.expectedVersion + 1));
  const lost = operations.filter((operation) => operation.events.length > 0 && !won(operation));
  await assertNotOvertaken(client, lost);

  const rest = operations.filter(won).flatMap((operation) => placed(operation).slice(1));
  for (const [place, position] of positionsOf(await insert(client, 'append-rest', APPEND_REST, rest)))
    positions.set(place, position);

  const losers = new Set(lost);
  const outcomes = operations.map(
    (operation): AppendOutcome =>
      losers.has(operation) ? { status: 'conflict' } : { status: 'appended', events: recordedOf(operation, positions) },
  );
  return { outcomes, tx: inserted[0]?.tx };
}

/** @throws `APPEND_INVALID` for two operations on one stream, or an invalid version */
export function assertValid(operations: readonly AppendOperation[]): void {
  const streams = new Set(operations.map((operation) => operation.streamId));
  if (streams.size < operations.length)
    throw storeErrors.APPEND_INVALID('two operations of one append are on the same stream');
  for (const { streamId, expectedVersion } of operations) {
    if (Number.isInteger(expectedVersion) && expectedVersion >= 0) continue;
    throw storeErrors.APPEND_INVALID(`${expectedVersion} is not a valid version of stream ${streamId}`);
  }
}

function placed({ streamId, expectedVersion, events }: AppendOperation): Placed[] {
  return events.map((event, index) => ({ streamId, streamVersion: expectedVersion + 1 + index, event }));
}

async function insert(client: ClientBase, name: string, text: string, rows: Placed[]): Promise<InsertedRow[]> {
  if (rows.length === 0) return [];
  const values = [
    rows.map((row) => row.streamId),
    rows.map((row) => row.streamVersion),
    rows.map(({ event }) => event.id),
    rows.map(({ event }) => event.type),
    rows.map(({ event }) => event.version),
    rows.map(({ event }) => event.aggregateId),
    rows.map(({ event }) => event.timestamp),
    rows.map(({ event }) => toJson(event.type, event.data ?? null)),
    rows.map(({ event }) => toJson(event.type, event.metadata)),
    rows.map(({ event }) => event.routingKey),
  ];
  return (await client.query<InsertedRow>({ name: `warren/${name}`, text, values })).rows;
}

function positionsOf(rows: readonly InsertedRow[]): Map<string, number> {
  return new Map(rows.map((row) => [key(row.stream_id, row.stream_version), row.position]));
}

/** @throws `APPEND_INVALID` for text that would break every query on the contents of the column */
export function toJson(type: string, document: unknown): string {
  const json = JSON.stringify(document);
  const path = mayHoldUnstorableText(json) ? findUnstorableText(JSON.parse(json)) : undefined;
  if (path === undefined) return json;
  throw storeErrors.APPEND_INVALID(
    `${type}: the text at ${path.slice(0, 200)} contains U+0000 or half a surrogate pair`,
  );
}

async function assertNotOvertaken(client: ClientBase, lost: readonly AppendOperation[]): Promise<void> {
  const suspects = lost.filter((operation) => operation.expectedVersion > 0);
  if (suspects.length === 0) return;
  const { rowCount } = await client.query(OVERTAKEN, [
    suspects.map((operation) => operation.streamId),
    suspects.map((operation) => operation.expectedVersion),
  ]);
  if (!rowCount) return;
  throw storeErrors.TRANSACTION_CONTENTION(
    'a transaction that began later has written to the same stream and committed',
  );
}

function recordedOf(operation: AppendOperation, positions: Map<string, number>): RecordedEvent[] {
  return placed(operation).map(({ streamId, streamVersion, event }) => {
    const position = positions.get(key(streamId, streamVersion));
    if (position === undefined)
      throw storeErrors.DATABASE_FAULT(`the database returned no position for ${streamId} v${streamVersion}`);
    return recorded(event, position, streamId, streamVersion);
  });
}

const key = (streamId: string, streamVersion: number): string => `${streamVersion} ${streamId}`;
