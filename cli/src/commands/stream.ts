import { inspect } from 'node:util';
import { type HistoryEntry, type RecordedEvent, replay, streamId, toHistoryEntry, toLatest } from '@warren/event-store';
import pg from 'pg';
import { addressOf } from '../addresses.ts';
import type { Moment } from '../arguments.ts';
import { cliErrors } from '../cli-errors.ts';
import { type DeclaredAggregate, findDeclared, loadAggregates } from '../declarations.ts';
import { eventsUpTo } from '../events-up-to.ts';
import { formatJson } from '../format-json.ts';
import { EVENT_COLUMNS, type EventRow, toRecordedEvent } from '../logged-events.ts';
import { readDatabase } from '../read-database.ts';
import { printable } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { formatTimeline } from '../timeline.ts';

export interface StreamOptions {
  at?: Moment;
  /** The service that has the category, in case several have one of that name. */
  service?: string;
  json?: true;
}

/** `warren stream <category> <id>`: the events of an aggregate and the state they lead to, now or at an earlier moment. */
export async function showStream(
  terminal: Terminal,
  { category, id }: { category: string; id: string },
  { at, service, json }: StreamOptions,
): Promise<void> {
  const all = await loadAggregates(terminal.services);
  const declared = findDeclared(all, { what: 'category', name: category, service });
  const events = await readStream(addressOf('database', terminal.env), declared, id);
  if (events.length === 0) throw cliErrors.CLI_NOT_FOUND(`there is no ${category} ${id}`);
  const then = at ? eventsUpTo(events, at, `${category} ${id}`) : events;
  const facts = { stream: streamId(category, id), service: declared.service, version: then.length };
  const found = { ...facts, ...fold(declared, then) };
  terminal.out(json ? formatJson(found) : format(found));
}

function readStream(databaseUrl: string, { schema, name, service }: DeclaredAggregate, id: string) {
  const missing = `event log of the ${service} service: it has not been started on it yet`;
  return readDatabase(databaseUrl, { missing }, async (select): Promise<RecordedEvent[]> => {
    const log = `${pg.escapeIdentifier(schema)}.log`;
    const rows = await select<EventRow>(
      `SELECT ${EVENT_COLUMNS} FROM ${log} WHERE stream_id = $1 ORDER BY stream_version`,
      [streamId(name, id)],
    );
    return rows.map(readRow);
  });
}

function readRow(row: EventRow): RecordedEvent {
  try {
    return toRecordedEvent(row);
  } catch (cause) {
    const { streamVersion, type, streamId: stream } = row;
    const which = `version ${streamVersion} of ${stream} (${type})`;
    throw cliErrors.CLI_EVENT_UNREADABLE(`cannot read ${which}: ${(cause as Error).message}`, { cause });
  }
}

interface Folded {
  /** The state that the service's own `evolve` derives from the events. */
  state?: unknown;
  /** The row that they produce in the read model, if the service has one. */
  row?: unknown;
  /** Why there is no state: the service's declaration cannot handle one of the events. All events are then shown as recorded. */
  problem?: string;
  /** The events, in the latest versions of their contracts. */
  events: HistoryEntry[];
}

function fold({ aggregate, readModel }: DeclaredAggregate, events: readonly RecordedEvent[]): Folded {
  try {
    const latest = events.map((event) => toLatest(aggregate, event));
    const row = readModel && { row: readModel.rowOf(latest) };
    return { state: replay(aggregate, latest), ...row, events: latest.map(toHistoryEntry) };
  } catch (error) {
    return { problem: (error as Error).message, events: events.map(toHistoryEntry) };
  }
}

function format({ events, ...facts }: Folded): string {
  const lines = Object.entries(facts).map(([name, value]) => {
    const shown = typeof value === 'string' ? printable(value) : inspect(value, { depth: null, breakLength: 100 });
    return `${name.padEnd(9)}${shown}\n`;
  });
  return `${lines.join('')}\n${formatTimeline(events)}`;
}
