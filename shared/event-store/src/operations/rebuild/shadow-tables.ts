import { type ClientBase, escapeIdentifier } from 'pg';
import { isContention, isLockTimeout } from '../../database/database-errors.ts';
import { storeErrors } from '../../log/store-errors.ts';

/**
 * What a copy of the table `$1` would lose, so that the table cannot be rebuilt: objects that depend on it (views, foreign keys, functions)
 * and attachments that are not part of a read model (triggers, policies).
 */
const IN_THE_WAY = `
  SELECT pg_describe_object(classid, objid, objsubid) AS what FROM pg_depend
   WHERE refclassid = 'pg_class'::regclass AND refobjid = $1::regclass AND deptype = 'n'
     AND NOT (classid = 'pg_attrdef'::regclass AND objid IN (SELECT oid FROM pg_attrdef WHERE adrelid = $1::regclass))
     AND NOT (classid = 'pg_constraint'::regclass AND objid IN (SELECT oid FROM pg_constraint WHERE conrelid = $1::regclass))
  UNION SELECT pg_describe_object('pg_constraint'::regclass, oid, 0) FROM pg_constraint
   WHERE conrelid = $1::regclass AND contype = 'f'
  UNION SELECT pg_describe_object('pg_trigger'::regclass, oid, 0) FROM pg_trigger
   WHERE tgrelid = $1::regclass AND NOT tgisinternal
  UNION SELECT pg_describe_object('pg_policy'::regclass, oid, 0) FROM pg_policy WHERE polrelid = $1::regclass
  UNION SELECT pg_describe_object('pg_publication_rel'::regclass, oid, 0) FROM pg_publication_rel WHERE prrelid = $1::regclass
  UNION SELECT 'grants on column ' || attname FROM pg_attribute WHERE attrelid = $1::regclass AND attacl IS NOT NULL
  UNION SELECT 'the sequence of a serial column (an identity column can be rebuilt)' FROM pg_attrdef
   WHERE adrelid = $1::regclass AND pg_get_expr(adbin, adrelid) LIKE 'nextval(%'
  UNION SELECT 'it is not a plain table' FROM pg_class
   WHERE oid = $1::regclass AND (relkind <> 'r' OR relispartition OR relhassubclass OR relpersistence <> 'p')`;

/** Statements that create an empty copy of the table `$1` in the schema `$2`, with everything but its indexes. */
const COPY_TABLE = `
  WITH old AS (SELECT *, format('%I.%I', $2::text, relname) AS copy FROM pg_class WHERE oid = $1::regclass)
  SELECT sql FROM (
    SELECT 1 AS step, format('CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING INDEXES) %s',
      copy, $1::regclass, 'WITH (' || array_to_string(reloptions, ', ') || ')') AS sql FROM old
    UNION ALL SELECT 2, format('COMMENT ON TABLE %s IS %L', copy, obj_description(oid, 'pg_class')) FROM old
    UNION ALL SELECT 3, format('ALTER TABLE %s ADD CONSTRAINT %I %s', copy, conname, pg_get_constraintdef(con.oid))
      FROM old JOIN pg_constraint con ON conrelid = old.oid AND contype IN ('p', 'u', 'x')
    UNION ALL SELECT 4, format('GRANT %s ON %s TO %s %s', privilege_type, copy,
      CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
      CASE WHEN is_grantable THEN 'WITH GRANT OPTION' END) FROM old, aclexplode(relacl)
    UNION ALL SELECT 5, format('ALTER TABLE %s OWNER TO %I', copy, pg_get_userbyid(relowner)) FROM old
  ) steps ORDER BY step`;

/** Statements that create the indexes of the table `$1` in the schema `$2`: the unique ones if `$3`, otherwise the others. */
const COPY_INDEXES = `
  SELECT replace(pg_get_indexdef(i.indexrelid), format(' ON %I.%I ', n.nspname, c.relname), format(' ON %I.%I ', $2::text, c.relname)) AS sql
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE i.indrelid = $1::regclass AND i.indisvalid AND i.indisunique = $3
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid AND conrelid = c.oid)`;

/** Changes with each change of the definition of the table `$1`, and with nothing else. */
const VERSION = `
  SELECT string_agg(entry, ' ' ORDER BY entry) AS version FROM (
    SELECT 'table ' || xmin::text AS entry FROM pg_class WHERE oid = $1::regclass
    UNION ALL SELECT format('column %s %s', attnum, xmin) FROM pg_attribute WHERE attrelid = $1::regclass
    UNION ALL SELECT format('default %s %s', oid, xmin) FROM pg_attrdef WHERE adrelid = $1::regclass
    UNION ALL SELECT format('constraint %s %s', oid, xmin) FROM pg_constraint WHERE conrelid = $1::regclass
    UNION ALL SELECT format('index %s %s', indexrelid, xmin) FROM pg_index WHERE indrelid = $1::regclass
    UNION ALL SELECT format('trigger %s %s', oid, xmin) FROM pg_trigger WHERE tgrelid = $1::regclass
  ) entries`;

export interface ShadowTablesOptions {
  /** Its `search_path` is set to the shadow schema alone, so that nothing else can be written to by mistake. */
  client: ClientBase;
  /** The schema of the tables in use. */
  schema: string;
  /** The schema that holds the new tables, under the same names, until they replace the old. */
  shadow: string;
  tables: readonly string[];
}

/** New tables next to those in use, with the same columns, constraints, indexes, comments, privileges and names, but their own rows. */
export interface ShadowTables {
  /** Creates them with their unique indexes only. @throws `PROJECTION_NOT_REBUILDABLE` */
  create(): Promise<void>;
  /** Creates the other indexes and the statistics. Call it outside a transaction. */
  finish(): Promise<void>;
  /**
   * Begins a transaction that locks the tables. While it waits for the lock, so does everybody who comes after it, so the timeout must be short.
   * @returns whether it could lock them in time
   */
  lock(timeoutMs: number): Promise<boolean>;
  /**
   * Replaces the tables in use, which are dropped. Call it in the transaction of `lock`.
   * @throws `REBUILD_OVERTAKEN` when the tables in use have been altered since `create`
   */
  replace(): Promise<void>;
  /** Removes them, or what is left of an earlier rebuild. */
  drop(): Promise<void>;
}

/** Creates {@link ShadowTables}. Nothing is created in the database before `create`. */
export function createShadowTables({ client, schema, shadow, tables }: ShadowTablesOptions): ShadowTables {
  const inUse = tables.map((table) => `${escapeIdentifier(schema)}.${escapeIdentifier(table)}`);
  const copies = tables.map((table) => `${escapeIdentifier(shadow)}.${escapeIdentifier(table)}`);

  /** Runs the statements that a query on the catalogue returns. */
  async function runGenerated(query: string, values: unknown[], adapt = (sql: string) => sql): Promise<void> {
    const { rows } = await client.query<{ sql: string }>(query, values);
    for (const { sql } of rows) await client.query(adapt(sql));
  }

  const versions = async (): Promise<string> => {
    const found: string[] = [];
    for (const table of inUse)
      found.push((await client.query<{ version: string }>(VERSION, [table])).rows[0]?.version ?? 'gone');
    return found.join('\n');
  };
  let copied = '';

  const drop = async (): Promise<void> =>
    void (await client.query(`DROP SCHEMA IF EXISTS ${escapeIdentifier(shadow)} CASCADE`));

  return {
    drop,
    async create() {
      await client.query(`SET search_path TO ${escapeIdentifier(shadow)}`);
      for (const table of inUse) await assertRebuildable(client, table);
      await drop();
      copied = await versions();
      await client.query(`CREATE SCHEMA ${escapeIdentifier(shadow)}`);
      for (const table of inUse) {
        await runGenerated(COPY_TABLE, [table, shadow]);
        await runGenerated(COPY_INDEXES, [table, shadow, true]);
      }
    },
    async finish() {
      // Nobody else uses the table, but a plain CREATE INDEX is one long writing transaction, and while one is open, no relay of the cluster
      // can publish (docs/adr/0003).
      const concurrently = (sql: string) => sql.replace(/^CREATE INDEX/, 'CREATE INDEX CONCURRENTLY');
      for (const table of inUse) await runGenerated(COPY_INDEXES, [table, shadow, false], concurrently);
      await client.query(`ANALYZE ${copies.join(', ')}`);
    },
    async lock(timeoutMs) {
      await client.query(`BEGIN; SET LOCAL synchronous_commit TO DEFAULT; SET LOCAL lock_timeout = ${timeoutMs}`);
      try {
        // The new ones too, and first, while nobody else waits: an autovacuum may be working on the tables that were just filled.
        await client.query(`LOCK TABLE ${[...copies, ...inUse].join(', ')} IN ACCESS EXCLUSIVE MODE`);
        return true;
      } catch (error) {
        if (!isLockTimeout(error) && !isContention(error)) throw error;
        await client.query('ROLLBACK');
        return false;
      }
    },
    async replace() {
      if ((await versions()) !== copied)
        throw storeErrors.REBUILD_OVERTAKEN(`${inUse.join(', ')} have been altered in the meantime: rebuild again`);
      await client.query(`DROP TABLE ${inUse.join(', ')}`);
      for (const copy of copies) await client.query(`ALTER TABLE ${copy} SET SCHEMA ${escapeIdentifier(schema)}`);
      await client.query(`DROP SCHEMA ${escapeIdentifier(shadow)}`);
    },
  };
}

async function assertRebuildable(client: ClientBase, table: string): Promise<void> {
  const { rows: found } = await client.query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [
    table,
  ]);
  if (!found[0]?.found)
    throw storeErrors.PROJECTION_NOT_REBUILDABLE(
      `there is no table ${table}: has the service been started on this database?`,
    );
  const { rows } = await client.query<{ what: string }>(IN_THE_WAY, [table]);
  if (rows.length === 0) return;
  const what = rows.map((row) => row.what).join('; ');
  throw storeErrors.PROJECTION_NOT_REBUILDABLE(`the table ${table} cannot be replaced by a new one: ${what}`);
}
