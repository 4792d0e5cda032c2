import type { AnyAggregate, EventTypeOf, RecordedOf } from '@warren/contracts';
import { type AppError, groupBy, kernelErrors } from '@warren/kernel';
import type { Static, TObject, TSchema } from 'typebox';
import type { RecordedEvent } from '../log/event-store.ts';
import type { HistoryEntry } from '../log/history-entry.ts';
import { toLatest } from './aggregate-log.ts';
import { defineProjection, type Projection } from './projection.ts';
import {
  type Columns,
  type ColumnType,
  type ItemOf,
  rows,
  type Sql,
  snakeCase,
  sql,
  verbatim,
  type Write,
} from './sql.ts';

/** A table with one row per stream of an aggregate. It is written in the transaction that appends, so it is always up to date with the log. */
export interface ReadModel<Row extends TObject = TObject, Hidden extends Columns = Columns> extends Projection {
  /** The fields that callers see. */
  readonly row: Row;
  /** The columns that callers do not see. */
  readonly hidden: Hidden;
  /** All columns of its table. */
  readonly columns: readonly string[];
  /** Returns the error for an id without a row. */
  readonly missing: (id: string) => AppError;
  /** Computes the row from the first events of a stream, without the database. @throws `UNEXPECTED` when they do not begin with `createdBy` */
  readonly rowOf: (events: readonly { readonly type: string }[]) => Static<Row>;
  /** As `rowOf`, for a history that `Store.history` returned: all of it, or its beginning for an earlier point in time. */
  readonly rowAt: (history: readonly Omit<HistoryEntry, 'metadata'>[]) => Static<Row>;
  /** Returns a SELECT of the row's columns; `rest` begins with WHERE, ORDER BY or LIMIT. */
  readonly select: (rest: Sql) => Sql;
  /** Converts a row of the table to the fields that callers see. */
  readonly read: (row: Readonly<Record<string, unknown>>) => Static<Row>;
}

/** The fields that the kit maintains in each row. */
interface KeptFields {
  id: string;
  /** Number of events that the row reflects. */
  version: number;
  createdAt: string;
  updatedAt: string;
}
type Fields<Row extends TObject> = Omit<Static<Row>, keyof KeptFields>;

/** The fields that each event sets: the creating event sets every field, the others set what changes. */
export type FieldSetters<
  A extends AnyAggregate,
  Row extends TObject,
  CreatedBy extends string,
  Hidden extends Columns,
> = {
  readonly [Type in EventTypeOf<A>]: (
    event: RecordedOf<A, Type>,
  ) => Type extends CreatedBy ? Fields<Row> & ItemOf<Hidden> : Partial<Fields<Row> & ItemOf<Hidden>>;
};

export interface ReadModelTable<Row extends TObject, CreatedBy extends string, Hidden extends Columns> {
  /** Name of the read model and its table: lower-case letters, digits and `_`. */
  name: string;
  /**
   * The fields that callers see. Column names are the field names in snake_case. Column types: `text` for a string (`uuid` or `timestamptz` by
   * its format) and for an enum of strings, `integer` for an integer, `numeric` for a number, `boolean` for a boolean, `json` for an object or
   * an array. An absent field is NULL.
   */
  row: Row & (Static<Row> extends KeptFields ? unknown : never);
  /** Columns that callers do not see, by their names in camelCase. @default none */
  hidden?: Hidden;
  /** Type of the first event of a stream. */
  createdBy: CreatedBy;
  missing(id: string): AppError;
}

/** The net change of one row by the events of a commit. */
interface Change {
  /** Set when the row is created. */
  createdAt: string | undefined;
  /** The fields to set. */
  readonly row: Record<string, unknown>;
}

/**
 * Declares a read model; `sets` says which fields each event sets. The kit generates the SQL and maintains the columns `id`, `version` (the
 * number of events that the row reflects), `created_at` and `updated_at`. Applying an event again, or an older one, changes nothing, so the
 * table can be rebuilt from the log while the service runs.
 */
export function defineReadModel<
  const A extends AnyAggregate,
  Row extends TObject,
  const CreatedBy extends EventTypeOf<A>,
  const Hidden extends Columns = Record<never, never>,
>(aggregate: A, table: ReadModelTable<Row, CreatedBy, Hidden>) {
  return {
    sets: (setters: FieldSetters<A, Row, CreatedBy, Hidden>): ReadModel<Row, Hidden> =>
      createReadModel(aggregate, table, setters),
  };
}

function createReadModel<
  A extends AnyAggregate,
  Row extends TObject,
  CreatedBy extends EventTypeOf<A>,
  Hidden extends Columns,
>(
  aggregate: A,
  { name, row, hidden = {} as Hidden, createdBy, missing }: ReadModelTable<Row, CreatedBy, Hidden>,
  setters: FieldSetters<A, Row, CreatedBy, Hidden>,
): ReadModel<Row, Hidden> {
  const types = columnTypes(row);
  const stored: Columns = { ...types, ...hidden };
  const members = Object.entries(types).map(([name, type]): Member => ({ name, column: snakeCase(name), type }));
  const selected = verbatim(members.map(({ column }) => column).join(', '));
  const set = setters as unknown as Readonly<Record<string, (event: RecordedOf<A>) => Record<string, unknown>>>;

  /** Returns one net change for each stream. */
  function changesOf(events: readonly RecordedOf<A>[]): Change[] {
    const changes = new Map<string, Change>();
    for (const event of events) {
      const { aggregateId: id, streamVersion: version, timestamp: updatedAt } = event;
      const change: Change = changes.get(id) ?? { createdAt: undefined, row: {} };
      if (event.type === createdBy) change.createdAt = updatedAt;
      const { createdAt } = change;
      // The kit's fields come last: a setter may pass on all data of an event.
      Object.assign(change.row, set[event.type]?.(event), { id, version, updatedAt }, createdAt && { createdAt });
      changes.set(id, change);
    }
    return [...changes.values()];
  }

  const insert = insertInto(name, stored);
  /** By the names of the fields that they set. */
  const updates = new Map<string, (rows: readonly Change['row'][]) => Write>();
  function update(fieldSet: string, changed: readonly Change['row'][]): Write {
    const write = updates.get(fieldSet) ?? updateOf(name, stored, fieldSet.split(','));
    updates.set(fieldSet, write);
    return write(changed);
  }
  /** The fields that an update sets: a row keeps the time of its creation. */
  const fieldSetOf = (row: Change['row']): string =>
    Object.keys(row)
      .filter((field) => field !== 'createdAt' && Object.hasOwn(stored, field))
      .sort()
      .join();

  function writesOf(events: readonly RecordedOf<A>[]): Write[] {
    const changes = changesOf(events);
    const rowsOf = (some: Change[]) => some.map(({ row }) => row);
    const created = rowsOf(changes.filter(({ createdAt }) => createdAt !== undefined));
    const changed = rowsOf(changes.filter(({ createdAt }) => createdAt === undefined));
    const byFieldSet = groupBy(changed, fieldSetOf);
    // Sorted: each order of the updates would be another prepared statement.
    const fieldSets = [...byFieldSet.keys()].sort();
    return [insert(created), ...fieldSets.map((fieldSet) => update(fieldSet, byFieldSet.get(fieldSet) ?? []))];
  }

  function rowOf(events: readonly { readonly type: string }[]): Static<Row> {
    const [change] = changesOf(events as readonly RecordedOf<A>[]);
    if (change && events[0]?.type === createdBy) return toAnswer(change.row, members) as Static<Row>;
    throw kernelErrors.UNEXPECTED(`cannot compute a row of ${name}: its events do not begin with ${createdBy}`);
  }

  return {
    ...defineProjection(aggregate, { name, tables: [name], rebuildable: true }, writesOf),
    row,
    hidden,
    columns: Object.keys(stored).map(snakeCase),
    missing,
    rowOf,
    rowAt: (history) =>
      rowOf(
        history.map(({ sequence, ...event }) =>
          toLatest(aggregate, { ...event, streamVersion: sequence } as RecordedEvent),
        ),
      ),
    select: (rest) => sql`SELECT ${selected} FROM ${verbatim(name)} ${rest}`,
    read: (given) => toAnswer(given, members) as Static<Row>,
  };
}

/** Returns a function that inserts rows, or sets all fields of older ones. */
function insertInto(table: string, columns: Columns): (created: readonly Change['row'][]) => Write {
  const names = Object.keys(columns).map(snakeCase);
  const into = verbatim(`INSERT INTO ${table} AS kept (${names.join(', ')})`);
  const assignments = verbatim(assign(names, 'excluded'));
  return (created) => sql`${into}
    SELECT * FROM ${rows('created', columns, created)}
    ON CONFLICT (id) DO UPDATE SET ${assignments} WHERE kept.version < excluded.version`;
}

/** Returns a function that sets these fields of rows that are older. */
function updateOf(table: string, stored: Columns, fields: readonly string[]) {
  const columns = Object.fromEntries(fields.map((field) => [field, stored[field] as ColumnType]));
  const update = verbatim(`UPDATE ${table} AS kept SET ${assign(fields.map(snakeCase), 'change')}`);
  return (changed: readonly Change['row'][]): Write =>
    sql`${update} FROM ${rows('change', columns, changed)} WHERE kept.id = change.id AND kept.version < change.version`;
}

const assign = (names: readonly string[], from: string): string =>
  names
    .filter((name) => name !== 'id')
    .map((name) => `${name} = ${from}.${name}`)
    .join(', ');

function columnTypes({ properties }: TObject): Columns {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, columnTypeOf(schema)]));
}

/** @throws `UNEXPECTED` for a schema that has no column type of its own, such as a union */
function columnTypeOf(schema: TSchema): ColumnType {
  const { type, format, enum: choices } = schema as { type?: string; format?: string; enum?: readonly unknown[] };
  if (type === 'integer') return 'integer';
  if (type === 'number') return 'numeric';
  if (type === 'boolean') return 'boolean';
  if (type === 'string' && format === 'uuid') return 'uuid';
  if (type === 'string' && format === 'date-time') return 'timestamptz';
  if (type === 'string' || choices?.every((choice) => typeof choice === 'string')) return 'text';
  if (type === 'object' || type === 'array') return 'json';
  throw kernelErrors.UNEXPECTED(`a field of a read model has no column type: ${JSON.stringify(schema)}`);
}

/** A field that callers see, and its column. */
interface Member {
  readonly name: string;
  readonly column: string;
  readonly type: ColumnType;
}

/** Returns only the members, and omits those that are NULL or undefined. */
function toAnswer(stored: Readonly<Record<string, unknown>>, members: readonly Member[]): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const { name, column, type } of members) {
    const value = stored[name] ?? stored[column];
    if (value === undefined || value === null) continue;
    if (type === 'timestamptz' && value instanceof Date) given[name] = value.toISOString();
    else given[name] = type === 'numeric' ? Number(value) : value;
  }
  return given;
}
