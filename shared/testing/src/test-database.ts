import pg from 'pg';
import { testEnvironment, uniqueName } from './test-environment.ts';

export interface TestDatabase {
  /** Connection URL of an empty database. */
  url: string;
  /** Drops the database, even with open connections. */
  drop(): Promise<void>;
}

/** Creates an empty database for one suite. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { databaseUrl } = testEnvironment();
  const name = uniqueName('test');
  await runAsAdmin(databaseUrl, `CREATE DATABASE ${name}`);
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => runAsAdmin(databaseUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

async function runAsAdmin(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
