import pg from 'pg';

/** What both services keep; `require` undoes the statement that calls it unless the condition holds. */
const TABLES = `
  CREATE TABLE IF NOT EXISTS events (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
    stream_id text COLLATE "C" NOT NULL, stream_version integer NOT NULL, event_id uuid NOT NULL, type text NOT NULL,
    schema_version integer NOT NULL, aggregate_id text NOT NULL, occurred_at timestamptz NOT NULL, data json NOT NULL,
    metadata json NOT NULL, routing_key text NOT NULL, UNIQUE (stream_id, stream_version)
  );
  CREATE TABLE IF NOT EXISTS inbox (message_id uuid PRIMARY KEY, handled_at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE IF NOT EXISTS published (up_to bigint NOT NULL);
  INSERT INTO published SELECT 0 WHERE NOT EXISTS (SELECT FROM published);
  CREATE OR REPLACE FUNCTION require(condition boolean) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    IF NOT condition THEN RAISE EXCEPTION 'not all could be stored' USING ERRCODE = 'integrity_constraint_violation'; END IF;
  END $$;`;

/** A plan is made once, while the tables are empty, and must still be right when they are full. */
const PLANS = [
  'plan_cache_mode=force_generic_plan',
  'enable_seqscan=off',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
];

/** Opens a schema of the database, with the tables that every service of the floor has and those of `tables`. */
export async function openFloorDatabase(schema: string, tables: string): Promise<pg.Pool> {
  const settings = [`search_path=${schema}`, 'jit=off', ...PLANS];
  const pool = new pg.Pool({
    connectionString: process.env.WARREN_BENCH_DATABASE_URL,
    options: settings.map((setting) => `-c ${setting}`).join(' '),
    max: 4,
  });
  await pool.query(`CREATE SCHEMA IF NOT EXISTS ${schema}; ${TABLES} ${tables}`);
  return pool;
}
