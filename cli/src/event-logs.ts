import type { RecordedEvent } from '@warren/event-store';
import { readTraceContext } from '@warren/kernel';
import { orderMessages } from '@warren/order';
import pg from 'pg';
import type { Handling, LoggedEvent } from './causal-tree.ts';
import { cliErrors } from './cli-errors.ts';
import { readDatabase, type Select } from './read-database.ts';

/** What the logs and the inboxes of all services hold of some requests. */
export interface RequestHistory {
  /** The requests that it is about: the one that was asked for, or all that were about the order. */
  correlationIds: string[];
  /** The order that was asked for; a request of its may have been about others too. */
  orderId?: string;
  events: LoggedEvent[];
  handlings: Handling[];
}

/** A log is read from end to end, and may be long. */
const QUERY_TIMEOUT_MS = 120_000;
const MISSING = 'event logs: no service has been started on it yet';
/** More than one request causes, and more than anybody reads. */
const MAX_EVENTS = 5000;

/** The schemas of services: those with a log that the kit has made. */
const SCHEMAS = `
  SELECT s.nspname AS schema FROM pg_namespace s
   WHERE (SELECT count(*) FROM pg_class t WHERE t.relnamespace = s.oid AND t.relname IN ('log', 'archived_events', 'inbox')) = 3
   ORDER BY 1`;

/**
 * Everything that followed from a request by its correlation id, or from all requests about an order by the order's id, over every service
 * that has its schema in this database.
 * @throws `CLI_NOT_FOUND`; `CLI_TOO_LARGE` for more than 5,000 events; `CLI_UNREACHABLE`, `CLI_NOT_MIGRATED`
 */
export function readHistory(databaseUrl: string, id: string): Promise<RequestHistory> {
  return readDatabase(databaseUrl, { missing: MISSING, queryTimeoutMs: QUERY_TIMEOUT_MS }, async (select) => {
    const schemas = (await select<{ schema: string }>(SCHEMAS)).map(({ schema }) => schema);
    if (schemas.length === 0) throw cliErrors.CLI_NOT_MIGRATED(`the database has no ${MISSING}`);
    const ofOrder = await correlationIdsOfOrder(select, schemas, id);
    const correlationIds = ofOrder.length > 0 ? ofOrder : [id];
    const events = await readEvents(select, schemas, correlationIds);
    if (events.length === 0) throw cliErrors.CLI_NOT_FOUND(`there is no order ${id}, and no event of a request ${id}`);
    const handlings = await readHandlings(
      select,
      schemas,
      events.flatMap(({ messageIds }) => messageIds),
    );
    return { correlationIds, events, handlings, ...(ofOrder.length > 0 && { orderId: id }) };
  });
}

/** The same query in each schema. */
async function selectFromEach<Row extends object>(
  select: Select,
  schemas: readonly string[],
  { sql, values }: { sql(schema: string): string; values: readonly unknown[] },
): Promise<(Row & { schema: string })[]> {
  const found: (Row & { schema: string })[] = [];
  for (const schema of schemas) {
    const rows = await select<Row>(sql(pg.escapeIdentifier(schema)), values);
    found.push(...rows.map((row) => ({ ...row, schema })));
  }
  return found;
}

async function correlationIdsOfOrder(select: Select, schemas: readonly string[], orderId: string): Promise<string[]> {
  const rows = await selectFromEach<{ correlationId: string }>(select, schemas, {
    sql: (schema) => `SELECT metadata ->> 'correlationId' AS "correlationId" FROM ${schema}.log WHERE stream_id = $1`,
    values: [`order-${orderId}`],
  });
  return [...new Set(rows.map(({ correlationId }) => correlationId))];
}

type EventRow = Omit<RecordedEvent, 'timestamp' | 'position'> & { time: Date; position: string };

async function readEvents(
  select: Select,
  schemas: readonly string[],
  correlationIds: readonly string[],
): Promise<LoggedEvent[]> {
  const rows = await selectFromEach<EventRow>(select, schemas, {
    sql: (schema) => `
      SELECT event_id AS id, type, schema_version AS version, aggregate_id AS "aggregateId", occurred_at AS time, data, metadata,
             routing_key AS "routingKey", position, stream_id AS "streamId", stream_version AS "streamVersion"
        FROM ${schema}.log WHERE metadata ->> 'correlationId' = ANY ($1) LIMIT ${MAX_EVENTS + 1}`,
    values: [correlationIds],
  });
  if (rows.length <= MAX_EVENTS) return rows.map(toLoggedEvent);
  throw cliErrors.CLI_TOO_LARGE(`more than ${MAX_EVENTS} events carry the correlation id ${correlationIds.join(', ')}`);
}

function toLoggedEvent({ schema, ...row }: EventRow & { schema: string }): LoggedEvent {
  const { id, type, version, aggregateId, time, metadata } = row;
  const { correlationId, causationId, source: service } = metadata;
  const [, traceId] = readTraceContext(metadata).traceparent?.split('-') ?? [];
  const event = { ...row, timestamp: time.toISOString(), position: Number(row.position) };
  const messageIds = messageIdsOf(schema, event);
  return { id, type, version, service, aggregateId, time, correlationId, causationId, traceId, messageIds };
}

/** Most events are published under their own id, or not at all. */
function messageIdsOf(schema: string, event: RecordedEvent): string[] {
  if (event.routingKey === null) return [];
  return schema === orderMessages.schema ? orderMessages.toWire(event).map(({ id }) => id) : [event.id];
}

async function readHandlings(
  select: Select,
  schemas: readonly string[],
  messageIds: readonly string[],
): Promise<Handling[]> {
  return selectFromEach<Handling>(select, schemas, {
    sql: (schema) => `
      SELECT message_id AS "messageId", consumer, handled_at AS time FROM ${schema}.inbox WHERE message_id = ANY ($1::uuid[])`,
    values: [messageIds],
  });
}
