import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { orderMigrations } from '../src/adapters/postgres/migrations.ts';

/** As `migrate` compares it with what a database ran: white space does not count. */
const checksumOf = (sql: string) => createHash('sha256').update(sql.trim().replaceAll(/\s+/g, ' ')).digest('hex');

/** A part of it stands in the kit, where it is easily changed. */
test('the released migration that makes answer_consumers is what databases have run', () => {
  expect(checksumOf(orderMigrations[6]?.sql ?? '')).toBe(
    'd15fe3fceaaee1592b727585ffe2e433bec87650821d26f08312952dffb4a08c',
  );
});
