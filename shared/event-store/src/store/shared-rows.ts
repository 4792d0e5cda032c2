import { rows, type Sql, sql, touching, verbatim, type Write } from './sql.ts';

/** What the decisions of a commit made of a shared value. */
export interface SharedChange<Value> {
  readonly key: string;
  /** What the decisions were based on; undefined where there was no row. */
  readonly before: Value | undefined;
  readonly after: Value | undefined;
}

/** Where the shared values of an aggregate are; see `SharedValues` of `@warren/contracts`. */
export interface SharedRows<Value> {
  /** Reads and locks rows, as columns `key` and `value`. It must lock them in the order of their keys (`COLLATE "C"`). Keys without a row are left out. */
  readonly lock: (keys: readonly string[]) => Sql;
  /**
   * Writes the net changes of a commit, which come in any order. It must fail (see `touching`) where a row is not as it was read, and insert
   * in the order of the keys (`COLLATE "C"`).
   */
  readonly update: (changes: readonly SharedChange<Value>[], now: Date) => readonly Write[];
}

/**
 * Unique names, in a table of a key and its holder: all the SQL that a rule such as "an email address has one user" needs. The key is the
 * table's primary key and holds text in the collation "C", the holder is a `uuid`.
 * @param table,key,holder written into SQL as they are
 */
export function uniqueClaims({
  table,
  key,
  holder,
}: {
  table: string;
  key: string;
  holder: string;
}): SharedRows<string> {
  const [claims, name, owner] = [verbatim(table), verbatim(key), verbatim(holder)];
  return {
    lock: (keys) => sql`
      SELECT ${name} AS key, ${owner} AS value FROM ${claims} WHERE ${name} = ANY (${keys}) ORDER BY ${name} FOR UPDATE`,
    update(changes) {
      const released = changes.filter(({ before, after }) => before !== undefined && after === undefined);
      const moved = changes.filter(({ before, after }) => before !== undefined && after !== undefined);
      const taken = changes.filter(({ before }) => before === undefined);
      const claim = { key: 'text', before: 'uuid', after: 'uuid' } as const;
      return [
        touching(
          released.length,
          sql`DELETE FROM ${claims} claim USING ${rows('change', claim, released)}
               WHERE claim.${name} = change.key AND claim.${owner} = change.before`,
        ),
        touching(
          moved.length,
          sql`UPDATE ${claims} claim SET ${owner} = change.after FROM ${rows('change', claim, moved)}
               WHERE claim.${name} = change.key AND claim.${owner} = change.before`,
        ),
        // Waits for a simultaneous transaction that has taken or released the name, and takes nothing if it was taken.
        touching(
          taken.length,
          sql`INSERT INTO ${claims} (${name}, ${owner})
              SELECT change.key, change.after FROM ${rows('change', claim, taken)} ORDER BY change.key COLLATE "C"
                  ON CONFLICT (${name}) DO NOTHING`,
        ),
      ];
    },
  };
}
