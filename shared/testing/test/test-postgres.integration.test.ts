import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestPostgres, type TestPostgres } from '@warren/testing';
import pg from 'pg';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.close());

async function query(sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: postgres.url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test('when it is killed and started again, then what was committed is there under the same URL', async () => {
  await query('CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)');
  const { pid } = postgres;
  await postgres.kill();
  await expect(query('SELECT 1')).rejects.toThrow('ECONNREFUSED');
  await postgres.start();
  expect(postgres.pid).not.toBe(pid);
  expect(await query('SELECT n FROM kept')).toEqual([{ n: 1 }]);
});

test('when it is stopped while a client is connected, then it ends all the same', async () => {
  const client = new pg.Client({ connectionString: postgres.url });
  const lost = new Promise((resolve) => client.on('error', resolve));
  await client.connect();
  await postgres.stop();
  expect(await lost).toBeInstanceOf(Error);
});
