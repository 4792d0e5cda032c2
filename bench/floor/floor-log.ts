import type { ConfirmChannel } from 'amqplib';
import type pg from 'pg';
import { type FloorEvent, valuesOf } from './floor-event.ts';

/** A statement that stores everything that follows from a batch, all or nothing. It returns the `position` of each event. */
export interface Commit {
  name: string;
  text: string;
  events: readonly FloorEvent[];
  /** Its parameters after those of the events. */
  more: unknown[];
  routingKey: string;
}

export interface FloorLog {
  /** Stores the batch and hands its events to the publisher. Does not wait for the confirms. */
  commit(commit: Commit): Promise<void>;
  /** The same for what follows from messages, which the statement adds to the inbox. Messages that are there already change nothing. */
  commitOnce<Message extends { id: string }>(
    messages: Message[],
    commitOf: (messages: Message[]) => Commit,
  ): Promise<void>;
}

const SAVE_EVERY_MS = 200;

const UNPUBLISHED = `
  SELECT position::float8, routing_key AS "routingKey", event_id AS id, type, schema_version AS version, occurred_at AS timestamp,
    aggregate_id AS "aggregateId", data, metadata
  FROM events WHERE position > $1 ORDER BY position`;

/** A batch from before its statement until its last confirm. Its positions lie above `after`, whatever other statements run beside it. */
interface Flight {
  after: number;
  unconfirmed: number;
}

/**
 * Publishes what it stores, from memory, and now and then saves the position up to which everything is confirmed; the next start publishes what
 * lies beyond.
 */
export async function openFloorLog(pool: pg.Pool, publisher: ConfirmChannel, exchange: string): Promise<FloorLog> {
  let saved: number = (await pool.query('SELECT up_to::float8 FROM published')).rows[0].up_to;
  const flights = new Set<Flight>();
  let highest = saved;

  function publish(flight: Flight, routingKey: string, event: FloorEvent): void {
    const { id: messageId, type, metadata } = event;
    const { correlationId, source: appId } = metadata;
    const properties = { messageId, type, correlationId, appId, contentType: 'application/json', persistent: true };
    publisher.publish(exchange, routingKey, Buffer.from(JSON.stringify(event)), properties, (error) => {
      // It ends the process.
      if (error) throw error;
      flight.unconfirmed -= 1;
      if (flight.unconfirmed === 0) flights.delete(flight);
    });
  }

  async function commit({ name, text, events, more, routingKey }: Commit): Promise<void> {
    const flight = { after: highest, unconfirmed: events.length };
    flights.add(flight);
    try {
      const { rows } = await pool.query<{ position: number }>({ name, text, values: [...valuesOf(events), ...more] });
      for (const { position } of rows) highest = Math.max(highest, position);
    } catch (error) {
      flights.delete(flight);
      throw error;
    }
    for (const event of events) publish(flight, routingKey, event);
  }

  async function save(): Promise<void> {
    const [first] = flights;
    const upTo = first?.after ?? highest;
    if (upTo === saved) return;
    await pool.query({ name: 'save', text: 'UPDATE published SET up_to = $1', values: [upTo] });
    saved = upTo;
  }

  const { rows } = await pool.query(UNPUBLISHED, [saved]);
  const flight = { after: saved, unconfirmed: rows.length };
  if (rows.length > 0) flights.add(flight);
  for (const { position, routingKey, ...event } of rows) {
    highest = position;
    publish(flight, routingKey, event);
  }
  setInterval(save, SAVE_EVERY_MS);

  return {
    commit,
    async commitOnce(messages, commitOf) {
      try {
        await commit(commitOf(messages));
      } catch (error) {
        const ids = messages.map(({ id }) => id);
        const { rows: handled } = await pool.query('SELECT message_id AS id FROM inbox WHERE message_id = ANY ($1)', [
          ids,
        ]);
        if (handled.length === 0) throw error;
        const known = new Set(handled.map(({ id }) => id));
        const fresh = messages.filter(({ id }) => !known.has(id));
        if (fresh.length > 0) await commit(commitOf(fresh));
      }
    },
  };
}
