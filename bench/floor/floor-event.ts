import { randomUUID } from 'node:crypto';

/** An event as it goes over the wire; its members are those of the project's envelope. */
export interface FloorEvent<Data = unknown> {
  id: string;
  type: string;
  version: number;
  timestamp: string;
  aggregateId: string;
  data: Data;
  metadata: { correlationId: string; causationId: string; source: string };
}

/** What the events of one statement have in common. */
export interface Kind {
  type: string;
  version: number;
  routingKey: string;
  source: string;
  /** Begins the name of the stream; the aggregate's id follows. */
  category: string;
  streamVersion: number;
}

/** @param cause default: the event is the first of its story */
export function createFloorEvent<Data>(
  kind: Kind,
  aggregateId: string,
  data: Data,
  cause?: FloorEvent,
): FloorEvent<Data> {
  const { type, version, source } = kind;
  const id = randomUUID();
  const metadata = { correlationId: cause?.metadata.correlationId ?? id, causationId: cause?.id ?? id, source };
  return { id, type, version, timestamp: new Date().toISOString(), aggregateId, data, metadata };
}

/** The first parameters of every statement, and the CTE `told` that makes rows of them and of further parameters. */
export const valuesOf = (events: readonly FloorEvent[]): unknown[] => [
  events.map(({ timestamp }) => timestamp),
  events.map(({ id }) => id),
  events.map(({ aggregateId }) => aggregateId),
  events.map(({ data }) => JSON.stringify(data)),
  events.map(({ metadata }) => JSON.stringify(metadata)),
];

/** @param more further columns, each with its type */
export function toldWith(more: Record<string, string>): string {
  const columns = {
    at: 'timestamptz',
    event_id: 'uuid',
    aggregate_id: 'text',
    data: 'json',
    metadata: 'json',
    ...more,
  };
  const parameters = Object.values(columns).map((type, index) => `$${index + 1}::${type}[]`);
  return `told AS (SELECT * FROM unnest(${parameters.join(', ')}) AS told (${Object.keys(columns).join(', ')}))`;
}

/** Appends the events of `told`; returns their positions. */
export const append = ({ category, streamVersion, type, version, routingKey }: Kind): string => `
  INSERT INTO events (stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata, routing_key)
  SELECT '${category}-' || aggregate_id, ${streamVersion}, event_id, '${type}', ${version}, aggregate_id, at, data, metadata, '${routingKey}'
    FROM told RETURNING position::float8`;
