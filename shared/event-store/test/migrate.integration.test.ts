import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { createAlerts, type Logger, silentLogger } from '@warren/kernel';
import { createTcpProxy, uniqueName, waitUntil } from '@warren/testing';
import {
  createDatabaseComponent,
  createPool,
  EVENT_STORE_NAMESPACE,
  eventStoreMigrations,
  type Migration,
  migrate,
} from '../src/index.ts';
import { useStoreFixture } from './store-fixture.ts';

describe('migrate', () => {
  const fixture = useStoreFixture();
  const namespace = 'shop';
  const first: Migration = {
    number: 1,
    name: 'shelves',
    sql: 'CREATE TABLE shelves (id int); INSERT INTO shelves VALUES (1)',
  };
  const second: Migration = { number: 2, name: 'labels', sql: 'ALTER TABLE shelves ADD label text' };

  it('when it runs again, then only what is new is applied', async () => {
    const schema = uniqueName('shop');
    const pool = fixture.openPool(schema);
    await migrate({ pool, schema, namespace, migrations: [first] });
    await migrate({ pool, schema, namespace, migrations: [first] });
    await migrate({ pool, schema, namespace, migrations: [first, second] });

    expect((await pool.query('SELECT * FROM shelves')).rows).toEqual([{ id: 1, label: null }]);
    const { rows } = await pool.query('SELECT namespace, number FROM schema_migrations ORDER BY number');
    expect(rows).toEqual([
      { namespace, number: 1 },
      { namespace, number: 2 },
    ]);
  });

  it('when eight instances start together on an empty database, then each migration is applied once', async () => {
    const schema = uniqueName('shop');
    const start = () => migrate({ url: fixture.url, schema, namespace, migrations: [first, second] });

    await Promise.all(Array.from({ length: 8 }, start));

    expect((await fixture.openPool(schema).query('SELECT * FROM shelves')).rowCount).toBe(1);
  });

  it('when the kit and a service number their migrations alike, then both are applied', async () => {
    const schema = uniqueName('shop');
    const pool = createPool({ url: fixture.url, schema });
    const component = createDatabaseComponent({ pool, schema, migrations: { namespace, migrations: [first] } });
    await component.start?.();

    expect(await component.health?.()).toMatchObject({ up: true });
    expect((await pool.query('SELECT FROM events, shelves')).rowCount).toBe(0);
    await component.stop?.();
    expect(pool.ended).toBe(true);
  });

  it('when a released migration has changed, then MIGRATION_CHANGED names it and nothing is applied', async () => {
    const schema = uniqueName('shop');
    const pool = fixture.openPool(schema);
    await migrate({ pool, schema, namespace, migrations: [first] });
    const changed = { ...first, sql: 'CREATE TABLE shelves (id bigint)' };

    const again = migrate({ pool, schema, namespace, migrations: [changed, second] });

    await expect(again).rejects.toMatchObject({
      code: 'MIGRATION_CHANGED',
      message: expect.stringContaining('shop/1'),
    });
    expect((await pool.query('SELECT * FROM shelves')).fields).toHaveLength(1);
  });

  it('when only the indentation of a released migration has changed, then it is the same', async () => {
    const schema = uniqueName('shop');
    const pool = fixture.openPool(schema);
    await migrate({ pool, schema, namespace, migrations: [first] });
    const indented = { ...first, sql: `\n  ${first.sql.replaceAll(' ', '\n    ')}\n` };

    await expect(migrate({ pool, schema, namespace, migrations: [indented] })).resolves.toBeUndefined();
  });

  it('when a migration fails, then those before it in the same run are taken back', async () => {
    const schema = uniqueName('shop');
    const pool = fixture.openPool(schema);
    const broken = { number: 2, name: 'broken', sql: 'ALTER TABLE nowhere ADD x int' };

    await expect(migrate({ pool, schema, namespace, migrations: [first, broken] })).rejects.toMatchObject({
      code: 'DATABASE_FAULT',
    });

    await expect(pool.query('SELECT * FROM shelves')).rejects.toThrow('does not exist');
  });

  it('when the numbers have a gap, then MIGRATION_INVALID', async () => {
    const run = migrate({ url: fixture.url, schema: 'shop', namespace, migrations: [second] });
    await expect(run).rejects.toMatchObject({ code: 'MIGRATION_INVALID' });
  });

  it('when the database is newer than the program, then it starts and warns', async () => {
    const schema = uniqueName('shop');
    const pool = fixture.openPool(schema);
    const { logger, warnings } = recordingWarnings();
    await migrate({ pool, schema, namespace, migrations: [first, second] });

    await migrate({ pool, schema, namespace, migrations: [first], logger });

    expect(warnings).toEqual(['the database is newer than this program']);
  });

  it('when the name of the schema is no plain identifier, then CONFIG_INVALID', async () => {
    const run = migrate({ url: fixture.url, schema: 'a; DROP TABLE b', namespace, migrations: [] });
    await expect(run).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('when the connection is lost in the middle, then it begins again', async () => {
    const schema = uniqueName('shop');
    const link = await createTcpProxy(fixture.url);
    const { logger, warnings } = recordingWarnings();
    const holder = await fixture.openPool(schema).connect();
    try {
      // Whoever migrates waits for this lock.
      await holder.query(`SELECT pg_advisory_lock(hashtextextended('warren/migrate/${schema}', 0))`);
      const url = link.through(fixture.url);
      const migrating = migrate({ url, schema, namespace, migrations: [first], logger });
      const waiting = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND pid IN
        (SELECT pid FROM pg_stat_activity WHERE application_name = $1)`;
      await waitUntil(async () => (await holder.query(waiting, [schema])).rowCount === 1, { what: 'the lock' });
      link.cut();
      await waitUntil(() => warnings.length > 0, { what: 'the warning' });
      await holder.query('SELECT pg_advisory_unlock_all()');

      await expect(migrating).resolves.toBeUndefined();
      expect((await fixture.openPool(schema).query('SELECT * FROM shelves')).rowCount).toBe(1);
    } finally {
      holder.release(true);
      await link.close();
    }
  });

  it('when the connection is lost while the service looks at what it has migrated, then that begins again', async () => {
    const schema = uniqueName('shop');
    const direct = fixture.openPool(schema);
    await createDatabaseComponent({ pool: direct, schema }).start?.();
    const link = await createTcpProxy(fixture.url);
    const { logger, warnings } = recordingWarnings();
    const name = uniqueName('service');
    const pool = fixture.openPool(schema, { url: link.through(fixture.url), applicationName: name });
    const holder = await direct.connect();
    try {
      await holder.query('BEGIN; LOCK TABLE events IN ACCESS EXCLUSIVE MODE');
      const starting = createDatabaseComponent({ pool, schema, logger }).start?.();
      const waiting = `SELECT FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'`;
      await waitUntil(async () => (await direct.query(waiting, [name])).rowCount === 1, { what: 'the lock' });
      link.cut();
      await waitUntil(() => warnings.length > 0, { what: 'the warning' });
      await holder.query('ROLLBACK');

      await expect(starting).resolves.toBeUndefined();
    } finally {
      holder.release(true);
      await link.close();
    }
  });

  it('when the database takes no writes, then that is said at once, and the service starts when it takes them', async () => {
    const role = uniqueName('role');
    const admin = fixture.openPool('public');
    await admin.query(`CREATE ROLE ${role} SUPERUSER LOGIN PASSWORD 'secret';
      ALTER ROLE ${role} SET default_transaction_read_only = on`);
    const url = Object.assign(new URL(fixture.url), { username: role, password: 'secret' });
    const schema = uniqueName('shop');
    const alerts = createAlerts();
    const pool = fixture.openPool(schema, { url: url.href, alerts });

    const starting = createDatabaseComponent({ pool, schema }).start?.();
    const reason = 'cannot execute CREATE SCHEMA in a read-only transaction';
    await waitUntil(() => alerts.active().some((one) => one.code === 'DATABASE_READ_ONLY' && one.reason === reason), {
      what: 'the alert',
    });
    await admin.query(`ALTER ROLE ${role} RESET default_transaction_read_only`);

    await expect(starting).resolves.toBeUndefined();
    await admin.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
  });

  it('when the database is away, then it is waited for, which the log says once, and DATABASE_UNAVAILABLE in the end', async () => {
    const { logger, warnings } = recordingWarnings();
    const url = 'postgres://warren@127.0.0.1:1/none';

    const run = migrate({
      url,
      schema: 'shop',
      namespace: EVENT_STORE_NAMESPACE,
      migrations: eventStoreMigrations,
      waitMs: 2000,
      logger,
    });

    await expect(run).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    expect(warnings).toHaveLength(1);
  });

  it('when the database comes up later, then the migration goes on', async () => {
    const { port, listen, close } = await lateServer(new URL(fixture.url));
    const url = new URL(fixture.url);
    url.port = String(port);
    const schema = uniqueName('shop');
    const { logger, warnings } = recordingWarnings();

    const run = migrate({ url: url.href, schema, namespace, migrations: [first], logger });
    await waitUntil(() => warnings.length > 0);
    await listen();

    await expect(run).resolves.toBeUndefined();
    await close();
  });

  it('when the server refuses the login, then it does not wait', async () => {
    const url = new URL(fixture.url);
    url.pathname = '/no_such_database';
    const run = migrate({ url: url.href, schema: 'shop', namespace, migrations: [first] });
    await expect(run).rejects.toMatchObject({ code: 'DATABASE_REFUSED', details: { sqlState: '3D000' } });
  });
});

function recordingWarnings(): { logger: Logger; warnings: string[] } {
  const warnings: string[] = [];
  const warn = (_: unknown, text: string) => warnings.push(text);
  return { logger: Object.assign(Object.create(silentLogger), { warn }), warnings };
}

/** A port that refuses connections until `listen` makes it a way to the database. */
async function lateServer(target: URL): Promise<{ port: number; listen(): Promise<void>; close(): Promise<void> }> {
  const server = createServer((socket) => {
    const upstream = connect(Number(target.port), target.hostname);
    socket.on('error', () => upstream.destroy());
    upstream.on('error', () => socket.destroy());
    socket.pipe(upstream).pipe(socket);
  });
  const listenOn = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  await listenOn(0);
  const { port } = server.address() as AddressInfo;
  await close();
  return { port, listen: () => listenOn(port), close };
}
