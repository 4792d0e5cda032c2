import pg from 'pg';
import type { Handling, LoggedEvent } from './causal-tree.ts';
import { cliErrors } from './cli-errors.ts';
import { type EventRow, toLoggedEvents, type UnreadableRow } from './logged-events.ts';
import { readDatabase, type Select } from './read-database.ts';

/** What the logs and the inboxes of all services hold of some requests. */
export interface RequestHistory {
  /** The requests that it is about: the one that was asked for, or all that were about the order. */
  correlationIds: string[];
  /** The order that was asked for; a request of its may have been about others too. */
  orderId?: string;
  events: LoggedEvent[];
  handlings: Handling[];
  /** Rows that belong to it and that no event can be made of. */
  unreadable: UnreadableRow[];
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
    const correlationIds = ofOrder && ofOrder.length > 0 ? ofOrder : [id];
    const { events, unreadable } = await readEvents(select, schemas, { correlationIds, stream: orderStream(id) });
    if (events.length + unreadable.length === 0)
      throw cliErrors.CLI_NOT_FOUND(`there is no order ${id}, and no event of a request ${id}`);
    const handlings = await readHandlings(
      select,
      schemas,
      events.flatMap(({ messageIds }) => messageIds),
    );
    return { correlationIds, events, handlings, unreadable, ...(ofOrder && { orderId: id }) };
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

/** The requests that an order's events say they belong to; undefined when there is no such order. */
async function correlationIdsOfOrder(
  select: Select,
  schemas: readonly string[],
  orderId: string,
): Promise<string[] | undefined> {
  const rows = await selectFromEach<{ metadata: unknown }>(select, schemas, {
    sql: (schema) => `SELECT metadata FROM ${schema}.log WHERE stream_id = $1`,
    values: [orderStream(orderId)],
  });
  const ids = rows.map(({ metadata }) => (metadata as EventRow['metadata'] | null)?.correlationId);
  return rows.length === 0 ? undefined : [...new Set(ids.filter((id) => typeof id === 'string'))];
}

const orderStream = (orderId: string): string => `order-${orderId}`;

/**
 * Looks for the ids in the text of the JSON, both as the kit writes it and with a blank, and not with `->>`: that fails as a whole when a
 * single row holds U+0000, wherever in its document. What matches by chance is sorted out afterwards.
 */
async function readEvents(
  select: Select,
  schemas: readonly string[],
  { correlationIds, stream }: { correlationIds: readonly string[]; stream: string },
): Promise<Pick<RequestHistory, 'events' | 'unreadable'>> {
  const spelt = correlationIds.flatMap((id) =>
    [':', ': '].map((colon) => `"correlationId"${colon}${JSON.stringify(id)}`),
  );
  const rows = await selectFromEach<EventRow>(select, schemas, {
    sql: (schema) => `
      SELECT event_id AS id, type, schema_version AS version, aggregate_id AS "aggregateId", occurred_at AS time, data, metadata,
             routing_key AS "routingKey", position, stream_id AS "streamId", stream_version AS "streamVersion"
        FROM ${schema}.log
       WHERE stream_id = $2 OR EXISTS (SELECT FROM unnest($1::text[]) AS spelt (id) WHERE strpos(metadata::text, spelt.id) > 0)
       LIMIT ${MAX_EVENTS + 1}`,
    values: [spelt, stream],
  });
  if (rows.length > MAX_EVENTS)
    throw cliErrors.CLI_TOO_LARGE(
      `more than ${MAX_EVENTS} events carry the correlation id ${correlationIds.join(', ')}`,
    );
  const isMeant = ({ streamId, metadata }: EventRow) =>
    streamId === stream || correlationIds.includes(metadata?.correlationId ?? '');
  return toLoggedEvents(rows.filter(isMeant));
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
