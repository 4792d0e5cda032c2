import { streamId } from '@warren/event-store';
import type { DefinedService } from '@warren/service';
import pg from 'pg';
import type { Handling, LoggedEvent } from './causal-tree.ts';
import { cliErrors } from './cli-errors.ts';
import { EVENT_COLUMNS, type EventRow, toLoggedEvents, type UnreadableRow } from './logged-events.ts';
import { readDatabase, type Select } from './read-database.ts';

/** The contents of the logs and inboxes of all services for some requests. */
export interface RequestHistory {
  /** The correlation ids: that of the given request, or those of all requests about the given aggregate. */
  correlationIds: string[];
  /** The streams of the given aggregate; its requests may have affected others too. Empty for a request. */
  streams: string[];
  events: LoggedEvent[];
  handlings: Handling[];
  /** Rows that belong to the requests but cannot be read as events. */
  unreadable: UnreadableRow[];
}

/** Long, because a query scans the whole log. */
const QUERY_TIMEOUT_MS = 120_000;
const MISSING = 'event logs: no service has been started on it yet';
/** More than one request causes, and more than anyone would read. */
const MAX_EVENTS = 5000;

/** The schemas of services: those with a log created by the kit. */
const SCHEMAS = `
  SELECT s.nspname AS schema FROM pg_namespace s
   WHERE (SELECT count(*) FROM pg_class t WHERE t.relnamespace = s.oid AND t.relname IN ('log', 'archived_events', 'inbox')) = 3
   ORDER BY 1`;

/**
 * Finds everything that followed from a request, by its correlation id, or from all requests about an aggregate, in every service with a
 * schema in this database. An aggregate is named by its stream (`<category>-<id>`) or by its id alone, which several aggregates may share: an
 * order and its payment, for example.
 * @param services the declared services
 * @throws `CLI_NOT_FOUND`; `CLI_TOO_LARGE` for more than 5,000 events; `CLI_UNREACHABLE`, `CLI_NOT_MIGRATED`
 */
export function readHistory(
  databaseUrl: string,
  services: readonly DefinedService[],
  id: string,
): Promise<RequestHistory> {
  const categories = new Set(services.flatMap(({ aggregates }) => aggregates.map(({ category }) => category)));
  const candidates = [id, ...[...categories].map((category) => streamId(category, id))];
  return readDatabase(databaseUrl, { missing: MISSING, queryTimeoutMs: QUERY_TIMEOUT_MS }, async (select) => {
    const schemas = (await select<{ schema: string }>(SCHEMAS)).map(({ schema }) => schema);
    if (schemas.length === 0) throw cliErrors.CLI_NOT_MIGRATED(`the database has no ${MISSING}`);
    const { streams, correlationIds: own } = await findStreams(select, schemas, { id, candidates });
    const correlationIds = own.length > 0 ? own : [id];
    const rows = await readRows(select, schemas, { id, correlationIds, streams });
    const { events, unreadable } = toLoggedEvents(rows, services);
    if (events.length + unreadable.length === 0)
      throw cliErrors.CLI_NOT_FOUND(
        `nothing has the id ${id}: no request, and no ${[...categories].toSorted().join(', ')}`,
      );
    const handlings = await readHandlings(
      select,
      schemas,
      events.flatMap(({ messageIds }) => messageIds),
    );
    return { correlationIds, streams, events, handlings, unreadable };
  });
}

/** Runs the same query in each schema. */
async function selectFromEach<Row extends object>(
  select: Select,
  schemas: readonly string[],
  { sql, values }: { sql(schema: string): string; values: readonly unknown[] },
): Promise<(Row & { schema: string })[]> {
  const found: (Row & { schema: string })[] = [];
  for (const schema of schemas) {
    const rows = await select<Row>(sql(pg.escapeIdentifier(schema)), values);
    for (const row of rows) found.push({ ...row, schema });
  }
  return found;
}

/** The streams that exist, and the correlation ids of their events. */
async function findStreams(
  select: Select,
  schemas: readonly string[],
  { id, candidates }: { id: string; candidates: readonly string[] },
) {
  const rows = await selectFromEach<{ stream: string; metadata: unknown }>(select, schemas, {
    sql: (schema) =>
      `SELECT stream_id AS stream, metadata FROM ${schema}.log WHERE stream_id = ANY ($1::text[]) ORDER BY position LIMIT ${MAX_EVENTS + 1}`,
    values: [candidates],
  });
  refuseTooMany(rows, id);
  const ids = rows.map(({ metadata }) => (metadata as EventRow['metadata'] | null)?.correlationId);
  return {
    streams: [...new Set(rows.map(({ stream }) => stream))],
    correlationIds: [...new Set(ids.filter((one) => typeof one === 'string'))],
  };
}

/**
 * Searches for the ids in the text of the JSON, with and without a space after the colon, instead of with `->>`: that operator fails the
 * whole query if one row has U+0000 anywhere in its document. Accidental matches are removed afterwards.
 */
async function readRows(
  select: Select,
  schemas: readonly string[],
  { id, correlationIds, streams }: { id: string; correlationIds: readonly string[]; streams: readonly string[] },
): Promise<EventRow[]> {
  const spelt = correlationIds.flatMap((one) =>
    [':', ': '].map((colon) => `"correlationId"${colon}${JSON.stringify(one)}`),
  );
  const rows = await selectFromEach<EventRow>(select, schemas, {
    sql: (schema) => `
      SELECT ${EVENT_COLUMNS} FROM ${schema}.log
       WHERE stream_id = ANY ($2::text[]) OR EXISTS (SELECT FROM unnest($1::text[]) AS spelt (id) WHERE strpos(metadata::text, spelt.id) > 0)
       ORDER BY position LIMIT ${MAX_EVENTS + 1}`,
    values: [spelt, streams],
  });
  refuseTooMany(rows, id);
  const isMeant = (row: EventRow) =>
    streams.includes(row.streamId) || correlationIds.includes(row.metadata?.correlationId ?? '');
  return rows.filter(isMeant);
}

function refuseTooMany(rows: readonly unknown[], id: string): void {
  if (rows.length > MAX_EVENTS) throw cliErrors.CLI_TOO_LARGE(`more than ${MAX_EVENTS} events belong to ${id}`);
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
