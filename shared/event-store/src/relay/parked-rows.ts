import type { ClientBase } from 'pg';
import type { RecordedEvent } from '../log/event-store.ts';
import { EVENT_COLUMNS, type EventRow, toRecordedEvent } from '../log/recorded-event.ts';

/** A row of `parked_events` whose event has not been published yet. */
export interface ParkedRow {
  position: number;
  streamId: string;
  kind: string;
  reason: string;
}

export const LOAD_PARKED = `
  SELECT p.position, p.stream_id AS "streamId", e.type || ' v' || e.schema_version AS kind, p.reason
  FROM parked_events p JOIN events e ON e.position = p.position
  WHERE p.relay = $1 AND p.published_at IS NULL ORDER BY p.position`;

export const LOAD_EVENTS = `SELECT ${EVENT_COLUMNS} FROM events WHERE position = ANY ($1::bigint[]) ORDER BY position`;

const SETTLE = `
  WITH published AS (
    UPDATE parked_events SET published_at = clock_timestamp() WHERE relay = $1 AND position = ANY ($2::bigint[])
  )
  UPDATE parked_events p SET attempts = attempts + 1, reason = f.reason
  FROM unnest($3::bigint[], $4::text[]) AS f (position, reason) WHERE p.relay = $1 AND p.position = f.position`;

const FORGET = `DELETE FROM parked_events WHERE relay = $1 AND published_at < now() - $2 * interval '1 millisecond'`;

/** The outcome of trying parked events. */
export interface TriedPositions {
  published: readonly number[];
  refused: readonly { position: number; reason: string }[];
}

/** The table `parked_events`, for one relay. */
export function createParkedRows(client: ClientBase, relay: string) {
  return {
    /** Returns all unpublished rows, in log order. */
    async load(): Promise<ParkedRow[]> {
      const { rows } = await client.query<ParkedRow>(LOAD_PARKED, [relay]);
      return rows;
    },
    /** Returns the events at these positions, in log order. */
    async events(positions: readonly number[]): Promise<RecordedEvent[]> {
      const { rows } = await client.query<EventRow>(LOAD_EVENTS, [positions]);
      return rows.map(toRecordedEvent);
    },
    /** Records when events were published, or why they were not. */
    async settle({ published, refused }: TriedPositions): Promise<void> {
      const positions = refused.map(({ position }) => position);
      const reasons = refused.map(({ reason }) => reason);
      await client.query(SETTLE, [relay, published, positions, reasons]);
    },
    /** Deletes rows that were published more than `keepMs` milliseconds ago. */
    async forget(keepMs: number): Promise<void> {
      await client.query(FORGET, [relay, keepMs]);
    },
  };
}
