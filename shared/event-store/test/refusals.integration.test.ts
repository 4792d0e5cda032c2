import { describe, expect, it } from '@jest/globals';
import { type Alerts, createAlerts, createMetricsRegistry, type Logger, silentLogger } from '@warren/kernel';
import { createTcpProxy, uniqueName, waitUntil } from '@warren/testing';
import {
  createDatabaseComponent,
  createEventStore,
  createLeader,
  createRelay,
  type DatabasePool,
} from '../src/index.ts';
import { createRecordingPublisher } from './recording-publisher.ts';
import { createStartupPooler } from './startup-pooler.ts';
import { append, useStoreFixture } from './store-fixture.ts';

/** Every line from `info` on, as a text. */
function recordingLogger(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const line = (fields: unknown, text?: string) => void lines.push(text ?? String(fields));
  return { logger: Object.assign(Object.create(silentLogger), { info: line, warn: line, error: line }), lines };
}

const codesOf = (alerts: Alerts) => alerts.active().map(({ code }) => code);

describe('what the database refuses', () => {
  const fixture = useStoreFixture();

  /** A store whose pool reports to `alerts`. */
  async function open(more: { url?: string; max?: number } = {}) {
    const { logger, lines } = recordingLogger();
    const alerts = createAlerts({ logger });
    const schema = uniqueName('store');
    const pool = fixture.openPool(schema, { alerts, ...more });
    const component = createDatabaseComponent({ pool, schema, logger });
    await component.start?.();
    return { pool, schema, alerts, logger, lines, component, store: createEventStore({ pool }) };
  }

  /** As a failover does: sessions that are open lead to what is read-only now, new ones lead to what is not. */
  const setReadOnly = (pool: DatabasePool) => pool.writes.query('SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY');

  it('when a session of the pool takes no writes and new ones do, then it is discarded, by a write or by the check of health', async () => {
    const { pool, store, component, alerts } = await open({ max: 1 });
    await setReadOnly(pool);
    await expect(append(store, 'a', 0, 1)).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    expect(codesOf(alerts)).toEqual(['DATABASE_READ_ONLY']);
    await append(store, 'a', 0, 1);
    await pool.query('SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY');
    await setReadOnly(pool);
    expect(await component.health?.()).toMatchObject({ up: true });
    expect(codesOf(alerts)).toEqual([]);
    await append(store, 'b', 0, 1);
  });

  it('when whoever leads has nothing to write and its session takes no writes any more, then the term ends', async () => {
    const { pool, alerts } = await open();
    const terms: AbortSignal[] = [];
    const leader = createLeader({
      pool,
      kind: 'test',
      name: 'idle',
      async lead({ lock, over }) {
        terms.push(over);
        if (terms.length === 1) await lock.client.query('SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY');
        await new Promise((resolve) => over.addEventListener('abort', resolve));
      },
    });
    leader.start();
    await waitUntil(() => terms.length === 2, { what: 'a second term' });
    expect(codesOf(alerts)).toEqual(['DATABASE_READ_ONLY']);
    await leader.stop();
  });

  it('when a right is missing, then it is one alert however often it is met, and nothing that a message is to blame for', async () => {
    const { pool, schema, alerts, lines } = await open();
    const role = uniqueName('role');
    await pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'; GRANT USAGE ON SCHEMA ${schema} TO ${role}`);
    const url = new URL(fixture.url);
    [url.username, url.password] = [role, 'secret'];
    const poor = fixture.openPool(schema, { url: url.href, alerts });
    const store = createEventStore({ pool: poor });
    for (let tries = 0; tries < 3; tries += 1) {
      await expect(append(store, 'a', 0, 1)).rejects.toMatchObject({ code: 'DATABASE_REFUSED', kind: 'transient' });
    }
    expect(alerts.active()).toMatchObject([{ code: 'DATABASE_RIGHT_MISSING', subject: 'table events', count: 3 }]);
    expect(lines.filter((line) => line.includes('lacks a permission'))).toHaveLength(1);
    await poor.query('SELECT 1');
    await pool.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  it.each([
    ['the password is wrong', { password: 'wrong' }, 'DATABASE_LOGIN_REFUSED'],
    ['the database does not exist', { pathname: '/no_such_database' }, 'DATABASE_MISSING'],
    ['nobody listens', { port: '1' }, 'DATABASE_UNREACHABLE'],
  ])('when %s, then the alert says so, without the password', async (_what, change, code) => {
    const alerts = createAlerts();
    const url = Object.assign(new URL(fixture.url), change);
    const pool = fixture.openPool('public', { url: url.href, alerts });
    await expect(pool.query('SELECT 1')).rejects.toThrow();
    await expect(pool.query('SELECT 1')).rejects.toThrow();
    expect(alerts.active()).toMatchObject([{ code, count: 2 }]);
    expect(JSON.stringify(alerts.active())).not.toContain(url.password);
  });

  it('when all sessions of the pool are in use, then that is said, apart from a database that is away', async () => {
    const alerts = createAlerts();
    const pool = fixture.openPool('public', { alerts, max: 1, connectTimeoutMs: 1000 });
    const held = await waitUntil(() => pool.connect().catch(() => undefined), { what: 'the only session' });
    await expect(pool.query('SELECT 1')).rejects.toThrow('timeout exceeded');
    expect(alerts.active()).toContainEqual(
      expect.objectContaining({ code: 'DATABASE_POOL_EXHAUSTED', reason: expect.stringContaining('1 session') }),
    );
    held.release();
  });

  it('when sessions that nobody uses are lost, then it is one alert, not one line each', async () => {
    const link = await createTcpProxy(fixture.url);
    const { pool, alerts, lines } = await open({ url: link.through(fixture.url) });
    await Promise.all(Array.from({ length: 5 }, () => pool.query('SELECT pg_sleep(0.05)')));
    lines.length = 0;
    const before = pool.idleCount;
    link.cut();
    await waitUntil(() => pool.idleCount === 0, { what: 'the sessions to be lost' });
    expect(before).toBeGreaterThan(1);
    expect(alerts.active()).toMatchObject([{ code: 'DATABASE_SESSIONS_LOST', severity: 'warning', count: before }]);
    expect(lines).toHaveLength(1);
    await link.close();
  });

  it('when a pooler takes no start-up parameters, then each session has its settings all the same, the schema above all', async () => {
    const pooler = await createStartupPooler(fixture.url);
    const { pool, store, schema } = await open({ url: pooler.through(fixture.url) });
    await append(store, 'a', 0, 1);
    const { rows } = await pool.query(
      `SELECT current_schema() AS schema, current_setting('statement_timeout') AS "timeout", current_setting('jit') AS jit`,
    );
    expect(rows).toEqual([{ schema, timeout: '30s', jit: 'off' }]);
    await pooler.close();
  });

  it('when the role may not see the transactions of others, then their age is unknown, not 0, and an alert says what to grant', async () => {
    const { pool, schema } = await open();
    const role = uniqueName('role');
    await pool.query(
      `CREATE ROLE ${role} LOGIN PASSWORD 'secret'; GRANT USAGE ON SCHEMA ${schema} TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO ${role}`,
    );
    const url = new URL(fixture.url);
    [url.username, url.password] = [role, 'secret'];
    const ages: unknown[] = [];
    const seen: string[][] = [];
    for (const one of [pool, fixture.openPool(schema, { url: url.href })]) {
      const [alerts, metrics] = [createAlerts(), createMetricsRegistry('test', { collectDefaults: false })];
      createRelay({ pool: one, publisher: createRecordingPublisher(), alerts, metrics });
      const [, age] = /^warren_store_horizon_age_seconds\S* (\S+)$/m.exec(await metrics.metrics()) ?? [];
      ages.push(age);
      seen.push(codesOf(alerts));
    }
    expect(ages).toEqual([expect.stringMatching(/^\d/), 'Nan']);
    expect(seen).toEqual([expect.not.arrayContaining(['DATABASE_ACTIVITY_HIDDEN']), ['DATABASE_ACTIVITY_HIDDEN']]);
    await pool.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  it('when a sequence stands behind its table at the start, then it is moved on, and appends work', async () => {
    const { pool, schema, store, lines, logger } = await open();
    await append(store, 'a', 0, 1, 2, 3);
    await pool.query(`SELECT setval(pg_get_serial_sequence('events', 'position'), 1, false)`);
    await expect(append(store, 'b', 0, 1)).rejects.toMatchObject({ code: 'DATABASE_FAULT' });
    await pool.query(`SELECT setval(pg_get_serial_sequence('events', 'position'), 1, false)`);
    const again = createDatabaseComponent({ pool, schema, logger });
    await Promise.all([again.start?.(), again.start?.()]);
    expect(lines.filter((line) => line.includes('sequence'))).toHaveLength(1);
    const [first] = await append(store, 'b', 0, 1);
    expect(first?.position).toBe(4);
    // Those in the archive count as well.
    await pool.query('INSERT INTO archived_events SELECT * FROM events; DELETE FROM events');
    await pool.query(`SELECT setval(pg_get_serial_sequence('events', 'position'), 2)`);
    await again.start?.();
    expect((await append(store, 'c', 0, 1))[0]?.position).toBe(5);
  });
});
