import { rows, type Sql, sql, touching, verbatim, type Write } from './sql.ts';

/** The net change of a shared value by the decisions of a commit. */
export interface SharedChange<Value> {
  readonly key: string;
  /** The value that the decisions were based on; undefined if there was no row. */
  readonly before: Value | undefined;
  readonly after: Value | undefined;
  /** The value after each of the decisions that changed it, in their order; the last is `after`. */
  readonly steps: readonly (Value | undefined)[];
}

/** The SQL for the shared values of an aggregate; see `SharedValues` of `@warren/contracts`. */
export interface SharedRows<Value> {
  /** Selects and locks rows, as columns `key` and `value`. Must lock them in key order (`COLLATE "C"`). Omits keys without a row. */
  readonly lock: (keys: readonly string[]) => Sql;
  /**
   * Writes the net changes of a commit, which come in key order (`COLLATE "C"`); must lock and insert rows in this order. `before` may be out of
   * date, because the kit guesses it from what it saw last. So the statements must fail (see `touching`) unless every decision holds for the
   * current value of its row too. It is always enough to compare the value with `before`; where decisions only need enough of something, each
   * of `steps` must still be possible.
   */
  readonly update: (changes: readonly SharedChange<Value>[], now: Date) => readonly Write[];
}

/**
 * Stores unique names in a table of keys and holders: all the SQL for a rule such as "an email address has one user". The key is the table's
 * primary key, a text with collation "C"; the holder is a `uuid`.
 * @param table,key,holder inserted into the SQL verbatim
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
        // Waits for a concurrent transaction that has claimed or released the name, and inserts nothing if the name is claimed.
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
