import { kernelErrors } from '@warren/kernel';
import type { EventStore } from '../log/event-store.ts';
import type { Projection } from './projection.ts';
import type { ReadModel } from './read-model.ts';

const MISSING = `
  SELECT wanted.table_name AS "table", wanted.column_name AS "column" FROM unnest($1::text[], $2::text[]) AS wanted (table_name, column_name)
   WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass(wanted.table_name) AND attname = wanted.column_name AND NOT attisdropped)
   LIMIT 1`;

/**
 * Checks that the tables of the read models among these projections have every column that the read models write. Without this check a
 * missing migration would show only when the first event cannot be stored.
 * @throws `UNEXPECTED` naming a column that is missing
 */
export async function requireColumns(
  database: Pick<EventStore, 'query'>,
  projections: readonly Projection[],
): Promise<void> {
  const columns = projections
    .filter((one): one is ReadModel => 'columns' in one)
    .flatMap(({ name, columns }) => columns.map((column) => [name, column] as const));
  const values = [columns.map(([table]) => table), columns.map(([, column]) => column)];
  const { rows } = await database.query<{ table: string; column: string }>(MISSING, values);
  for (const { table, column } of rows) {
    throw kernelErrors.UNEXPECTED(
      `the table ${table} has no column ${column}, which its read model writes: add a migration`,
    );
  }
}
