import { createHash } from 'node:crypto';
import { type AppError, kernelErrors } from '@warren/kernel';

/** A statement and its values, as data. It runs nothing: the kit decides when it is sent, and beside what. */
export interface Sql {
  readonly parts: readonly (string | Bound | RowSource)[];
}

/** A value that becomes a parameter. */
interface Bound {
  readonly bound: SqlValue | EventPosition;
}

/**
 * Stands for the position of an event in the writes that are sent together with its append: only the statement itself knows the position.
 * It can be inserted as a value, and nothing else: any use as a number or a text throws.
 */
export class EventPosition {
  /** @param place of the event among those of the append, from 1; see `commitStatement` */
  constructor(readonly place: number) {}
  [Symbol.toPrimitive](): never {
    throw kernelErrors.UNEXPECTED('the position of an event is not known before its append');
  }
  toJSON(): never {
    return this[Symbol.toPrimitive]();
  }
}

/** `undefined` becomes NULL. */
export type SqlValue = string | number | bigint | boolean | Date | null | undefined | readonly (string | number)[];

/** The values that each column type of {@link rows} accepts. `json` is any JSON value; `numeric` is a decimal string or a number. */
interface ColumnTypes {
  text: string;
  uuid: string;
  integer: number;
  bigint: number;
  numeric: number | string;
  boolean: boolean;
  timestamptz: string | Date;
  json: unknown;
}
export type ColumnType = keyof ColumnTypes;
export type Columns = Readonly<Record<string, ColumnType>>;
/** A row of {@link rows}. */
export type ItemOf<C extends Columns> = { readonly [Name in keyof C]?: ColumnTypes[C[Name]] | null | undefined };

/** Any number of rows, as a table in a statement; see {@link rows}. */
export interface RowSource {
  readonly alias: string;
  readonly columns: Columns;
  readonly items: readonly Readonly<Record<string, unknown>>[];
}

/** A statement with numbered parameters, as `pg` accepts it. For SQL that does not come from {@link sql}. */
export interface NumberedSql {
  /** Name of the prepared statement. @default the statement is parsed and planned each time */
  readonly name?: string;
  readonly text: string;
  readonly values: unknown[];
}

/** A prepared statement. */
export interface Query extends NumberedSql {
  readonly name: string;
}

/**
 * Builds a statement. Values become parameters; statements and {@link rows} become part of the text. A statement is prepared once per
 * connection, so it must not use `SELECT *`: a migration of a newer version would change its result type, which Postgres rejects.
 */
export function sql(strings: TemplateStringsArray, ...inserted: readonly (SqlValue | Sql | RowSource)[]): Sql {
  const parts = strings.flatMap((text, at) => (at === 0 ? [text] : [...partsOf(inserted[at - 1]), text]));
  return { parts };
}

/**
 * Inserts rows into a statement as a table: `rows('line', { productId: 'text' }, lines)` becomes a table `line (product_id)`. The text is the
 * same for any number of rows. A statement with an empty row source is not sent. Declare the columns once, as a constant: their text is made
 * once for each object.
 */
export function rows<const C extends Columns>(alias: string, columns: C, items: readonly ItemOf<C>[]): RowSource {
  return { alias, columns, items: items as RowSource['items'] };
}

/** Inserts text into a statement unescaped. For names that the kit derives from declarations, never for input. */
export const verbatim = (text: string): Sql => ({ parts: [text] });

/**
 * A statement of a commit: one INSERT, UPDATE or DELETE, without WITH and RETURNING. The statements that follow from an append are sent as
 * one, and so are those of a queue's writers. So each sees the tables as they were before and not what the others write, and no two may touch
 * the same row.
 */
export interface Write extends Sql {
  readonly expected?: {
    /** Number of rows that the statement must touch. */
    readonly rows: number;
    /** Returns the error to throw for another number of rows. @default the rows are read again, and the decisions are made again */
    readonly otherwise?: ((touched: number) => AppError) | undefined;
  };
}

/** Requires a statement to touch exactly this many rows; otherwise the commit is rolled back. See {@link Write}. */
export const touching = (count: number, statement: Sql, otherwise?: (touched: number) => AppError): Write => ({
  ...statement,
  expected: { rows: count, otherwise },
});

/** False for a statement with an empty row source. */
export const hasRows = ({ parts }: Sql): boolean =>
  parts.every((part) => typeof part === 'string' || !('items' in part) || part.items.length > 0);

/** Returns the statement with numbered parameters; undefined if it has an empty row source. */
export function toQuery(statement: Sql): Query | undefined {
  if (!hasRows(statement)) return undefined;
  const values: unknown[] = [];
  const parameter = (value: unknown): string => `$${values.push(value)}`;
  const text = statement.parts
    .map((part) => {
      if (typeof part === 'string') return part;
      if ('bound' in part) return boundValue(part.bound, parameter);
      return tableOf(part, parameter);
    })
    .join('');
  return { name: nameOf(text), text, values };
}

/** Converts `productId` to the column name `product_id`. */
export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Converts `product_id` to the member name `productId`. */
export const camelCase = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());

function partsOf(inserted: SqlValue | Sql | RowSource): Sql['parts'] {
  if (typeof inserted !== 'object' || inserted === null) return [{ bound: inserted }];
  if ('parts' in inserted) return inserted.parts;
  if ('alias' in inserted) return [inserted];
  return [{ bound: inserted }];
}

function tableOf({ alias, columns, items }: RowSource, parameter: (value: unknown) => string): string {
  const { casts, list } = textsOf(columns);
  const arrays = casts.map(([name, cast]) => {
    const values: unknown[] = [];
    let holdsPositions = false;
    for (const item of items) {
      const value = item[name] ?? null;
      if (value instanceof EventPosition) holdsPositions = true;
      values.push(cast === JSON_ARRAY && value !== null ? JSON.stringify(value) : value);
    }
    return holdsPositions ? positionsOf(values, parameter) : parameter(values) + cast;
  });
  return `unnest(${arrays.join(', ')}) AS ${alias} (${list})`;
}

const JSON_ARRAY = '::json[]';

/** The parts of a statement's text that depend on its columns alone. */
interface ColumnTexts {
  /** The name of each field, and the cast of its values. */
  readonly casts: readonly (readonly [name: string, cast: string])[];
  readonly list: string;
}
const columnTexts = new WeakMap<Columns, ColumnTexts>();

function textsOf(columns: Columns): ColumnTexts {
  const known = columnTexts.get(columns);
  if (known) return known;
  const texts = {
    casts: Object.entries(columns).map(([name, type]) => [name, `::${type}[]`] as const),
    list: Object.keys(columns).map(snakeCase).join(', '),
  };
  columnTexts.set(columns, texts);
  return texts;
}

function boundValue(value: Bound['bound'], parameter: (value: unknown) => string): string {
  if (Array.isArray(value) && value.some((one) => (one as unknown) instanceof EventPosition))
    return positionsOf(value, parameter);
  if (!(value instanceof EventPosition)) return parameter(value ?? null);
  return `(SELECT positions[${parameter(value.place)}::int] FROM placed)`;
}

/** Without an index into the array, each row would search all of the append. */
function positionsOf(values: readonly unknown[], parameter: (value: unknown) => string): string {
  const places = parameter(values.map((value) => (value instanceof EventPosition ? value.place : null)));
  return `ARRAY(SELECT (SELECT positions FROM placed)[place] FROM unnest(${places}::int[]) WITH ORDINALITY AS _ (place, at) ORDER BY at)`;
}

const names = new Map<string, string>();

/** Returns the same name for the same text. */
function nameOf(text: string): string {
  const known = names.get(text);
  if (known !== undefined) return known;
  const name = `warren-${createHash('sha256').update(text).digest('base64url').slice(0, 16)}`;
  names.set(text, name);
  return name;
}
