import type { Logger } from '@warren/kernel';
import { type Client, escapeIdentifier } from 'pg';
import type { DatabasePool } from './create-pool.ts';
import { openSession } from './open-session.ts';

/** Rows moved out of a table keep their numbers, so they count for its sequence too. */
const MOVED_TO: Readonly<Record<string, string>> = { events: 'archived_events' };

const SEQUENCES = `
  SELECT c.relname AS "table", a.attname AS "column", pg_get_serial_sequence(quote_ident(c.relname), a.attname) AS "sequence"
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND a.attidentity <> ''`;

interface Numbered {
  table: string;
  column: string;
  sequence: string;
}

export interface AlignSequencesOptions {
  pool: DatabasePool;
  logger: Logger;
}

/**
 * Advances each sequence of the schema that is behind the highest number of its table, and logs it. An import or a logical cutover leaves
 * sequences behind; then every insert would fail or, worse, reuse a number.
 */
export async function alignSequences({ pool, logger }: AlignSequencesOptions): Promise<void> {
  const session = await openSession({ pool, unlimited: true });
  try {
    const { rows } = await session.query<Numbered>(SEQUENCES);
    for (const numbered of rows) await alignSequence(session, numbered, logger);
  } finally {
    await session.end();
  }
}

async function alignSequence(session: Client, numbered: Numbered, logger: Logger): Promise<void> {
  const look = lookAt(numbered);
  if (!(await isBehind(session, look))) return;
  const { table, sequence } = numbered;
  await session.query(`BEGIN; LOCK TABLE ${escapeIdentifier(table)} IN SHARE ROW EXCLUSIVE MODE`);
  // Another instance may have advanced the sequence meanwhile, or inserts may have taken numbers.
  const found = await isBehind(session, look);
  if (found) await session.query('SELECT setval($1::regclass, $2)', [sequence, found.highest]);
  await session.query('COMMIT');
  if (found) {
    const { next, highest } = found;
    logger.warn(
      { table, sequence, next, highest },
      'a sequence was behind its table, perhaps after an import: advanced it',
    );
  }
}

/** Reads the highest number first: numbers that are assigned meanwhile are above it. */
function lookAt({ table, column, sequence }: Numbered): string {
  const tables = [table, MOVED_TO[table]].filter((name) => name !== undefined);
  const highest = tables.map((name) => `(SELECT max(${escapeIdentifier(column)}) FROM ${escapeIdentifier(name)})`);
  return `
    WITH found AS MATERIALIZED (SELECT greatest(${highest.join(', ')}) AS highest)
    SELECT found.highest, CASE WHEN s.is_called THEN s.last_value + 1 ELSE s.last_value END AS next FROM found, ${sequence} s`;
}

async function isBehind(session: Client, look: string): Promise<{ highest: number; next: number } | undefined> {
  const { rows } = await session.query<{ highest: number | null; next: number }>(look);
  const [{ highest = null, next = 0 } = {}] = rows;
  return highest !== null && highest >= next ? { highest, next } : undefined;
}
