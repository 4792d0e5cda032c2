import type { ClientBase } from 'pg';

/** Returns why a session rejects writes; undefined if it accepts them. */
export async function whyReadOnly(client: ClientBase): Promise<string | undefined> {
  const { rows } = await client.query<{ readOnly: boolean; isStandby: boolean }>(
    `SELECT current_setting('transaction_read_only')::boolean AS "readOnly", pg_is_in_recovery() AS "isStandby"`,
  );
  if (!rows[0]?.readOnly) return undefined;
  return rows[0].isStandby ? 'the server is a standby' : 'transactions are read-only (default_transaction_read_only)';
}
