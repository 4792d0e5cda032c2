import type { Logger } from '@warren/kernel';
import type { ClientBase } from 'pg';
import type { RecordedEvent } from '../event-store.ts';
import { EVENT_COLUMNS, type EventRow, toRecordedEvent } from '../recorded-event.ts';
import type { ParkedEntry } from './relay-cursor.ts';

/** Publishes one event; the reason when it could not be, else undefined. */
export type Attempt = (event: RecordedEvent) => Promise<string | undefined>;

/** The events that no queue wanted, and those behind them in their streams. */
export interface Parking {
  readonly size: number;
  /** True while an event of this stream is parked: those after it must not overtake it. */
  holds(streamId: string): boolean;
  park(event: RecordedEvent, reason: string): void;
  /** What was parked since the last call; to be stored with the cursor. */
  takeUnsaved(): ParkedEntry[];
  readonly hasUnsaved: boolean;
  /**
   * Tries the first parked event of each stream again, those with the fewest attempts first, and goes on as long as that brings
   * something out. At most {@link SWEEP_SIZE} events are sent in vain.
   */
  sweep(attempt: Attempt): Promise<void>;
  /** Forgets what was published longer ago than this. */
  forget(keepMs: number): Promise<void>;
}

const SWEEP_SIZE = 500;

export const PARKED_HEADS = `
  SELECT ${EVENT_COLUMNS.replaceAll(/\w+/g, 'e.$&')} FROM parked_events p JOIN events e ON e.position = p.position
  WHERE p.relay = $1 AND p.published_at IS NULL AND p.stream_id <> ALL ($2) AND NOT EXISTS (
    SELECT FROM parked_events q WHERE q.relay = $1 AND q.published_at IS NULL AND q.stream_id = p.stream_id AND q.position < p.position
  )
  ORDER BY p.attempts, p.position LIMIT $3`;

const SETTLE = `
  WITH published AS (
    UPDATE parked_events SET published_at = clock_timestamp() WHERE relay = $1 AND position = ANY ($2::bigint[])
  )
  UPDATE parked_events p SET attempts = attempts + 1, reason = f.reason
  FROM unnest($3::bigint[], $4::text[]) AS f (position, reason) WHERE p.relay = $1 AND p.position = f.position`;

const FORGET = `DELETE FROM parked_events WHERE relay = $1 AND published_at < now() - $2 * interval '1 millisecond'`;

/** The relay's parking, as the database has it. */
export async function openParking(client: ClientBase, relay: string, logger: Logger): Promise<Parking> {
  const streams = new Map<string, Set<number>>();
  let unsaved: ParkedEntry[] = [];
  let size = 0;

  function add(streamId: string, position: number): void {
    const positions = streams.get(streamId) ?? new Set();
    if (!positions.has(position)) size += 1;
    streams.set(streamId, positions.add(position));
  }

  function remove({ streamId, position }: RecordedEvent): void {
    const positions = streams.get(streamId);
    if (!positions?.delete(position)) return;
    size -= 1;
    if (positions.size === 0) streams.delete(streamId);
  }

  /** A head that is not stored yet is known here only; what the database calls the head would overtake it. */
  function isHead({ streamId, position }: RecordedEvent): boolean {
    for (const other of streams.get(streamId) ?? []) if (other < position) return false;
    return true;
  }

  /** Adds the streams whose event went in vain to `stuck`. False when nothing was published. */
  async function sweepOnce(attempt: Attempt, stuck: Set<string>): Promise<boolean> {
    const { rows } = await client.query<EventRow>(PARKED_HEADS, [relay, [...stuck], SWEEP_SIZE - stuck.size]);
    const heads = rows.map(toRecordedEvent).filter(isHead);
    if (heads.length === 0) return false;
    const reasons = await Promise.all(heads.map(attempt));
    const published = heads.filter((_, index) => reasons[index] === undefined);
    const failed = heads.flatMap(({ streamId, position }, index) => {
      const reason = reasons[index];
      return reason === undefined ? [] : [{ streamId, position, reason }];
    });
    for (const { streamId } of failed) stuck.add(streamId);
    await client.query(SETTLE, [
      relay,
      published.map((event) => event.position),
      failed.map((entry) => entry.position),
      failed.map((entry) => entry.reason),
    ]);
    published.forEach(remove);
    if (published.length > 0)
      logger.info({ published: published.length, parked: size }, 'parked events were published');
    return published.length > 0;
  }

  const { rows } = await client.query<{ stream_id: string; position: number }>(
    'SELECT stream_id, position FROM parked_events WHERE relay = $1 AND published_at IS NULL',
    [relay],
  );
  for (const row of rows) add(row.stream_id, row.position);

  return {
    get size() {
      return size;
    },
    holds: (streamId) => streams.has(streamId),
    get hasUnsaved() {
      return unsaved.length > 0;
    },
    park(event, reason) {
      const { id: eventId, streamId, position, type } = event;
      // Read again after a restart, while it is in the table already.
      if (streams.get(streamId)?.has(position)) return;
      add(streamId, position);
      unsaved.push({ position, streamId, eventId, reason });
      const correlationId = event.metadata.correlationId;
      logger.warn(
        { eventId, type, streamId, position, correlationId, reason },
        'event parked: it is tried again later',
      );
    },
    takeUnsaved() {
      const entries = unsaved;
      unsaved = [];
      return entries;
    },
    async sweep(attempt) {
      const stuck = new Set<string>();
      while (streams.size > 0 && stuck.size < SWEEP_SIZE && (await sweepOnce(attempt, stuck)));
    },
    async forget(keepMs) {
      await client.query(FORGET, [relay, keepMs]);
    },
  };
}
