import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { OrderCreated } from '@shop/events/order';
import { type Logger, silentLogger } from '@warren/kernel';
import { startTestPostgres, type TestPostgres, uniqueName, waitUntil, waitUntilReady } from '@warren/testing';
import pg from 'pg';
import { createOrderFixture, type OrderFixture, type RunningOrder } from './order-fixture.ts';

const ROLE = 'shop';
const oneLine = { customerId: 'alice', items: [{ productId: 'item1', quantity: 1 }] };

let fixture: OrderFixture;
/** A server that only this suite uses: it is stopped, frozen, and told to refuse things. */
let postgres: TestPostgres;
/** A session of a superuser. */
let admin: pg.Client;
let order: RunningOrder;
/** Codes of the alerts that the service logged as warnings, a line each. */
const warnings: unknown[] = [];
/** Ids of the orders whose `OrderCreated` was published. */
const published = new Set<string>();

beforeAll(async () => {
  postgres = await startTestPostgres();
  fixture = await createOrderFixture();
  admin = await connectAdmin();
  await admin.query(`CREATE ROLE ${ROLE} LOGIN PASSWORD 'secret'; GRANT CREATE ON DATABASE warren TO ${ROLE};
    GRANT pg_read_all_stats TO ${ROLE}`);
  const url = Object.assign(new URL(postgres.url), { username: ROLE, password: 'secret' });
  await fixture.inventory.subscribe({
    queue: uniqueName('published'),
    bindings: [OrderCreated],
    handler: async ({ data: { id } }) => void published.add(id),
  });
  // A statement may take longer than any test: only what the service does about a database that hangs is left to act.
  const env = { DATABASE_URL: url.href, DATABASE_STATEMENT_TIMEOUT_MS: '600000' };
  const warn = (fields: { code?: string }) => void warnings.push(fields.code);
  const logger: Logger = Object.assign(Object.create(silentLogger), { warn, error: warn });
  order = await fixture.start(env, undefined, logger);
  await waitUntilReady(order.service);
});
beforeEach(() => {
  warnings.length = 0;
});
afterEach(async () => {
  const placed = await waitUntil(
    async () => {
      const { status, body } = await order.post(oneLine);
      return status === 201 ? (body.id as string) : undefined;
    },
    { what: 'an order to be taken' },
  );
  await waitUntil(() => published.has(placed), { what: 'the order to be published' });
});
afterAll(async () => {
  await admin?.end();
  await fixture?.close();
  await postgres?.close();
});

async function connectAdmin(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  return client;
}

/** A session that was opened before stays, and would take orders. */
async function takesNoSession(): Promise<boolean> {
  const client = new pg.Client({ connectionString: postgres.url });
  return client.connect().then(
    () => client.end().then(() => false),
    () => true,
  );
}

const endSessions = () =>
  admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1`, [ROLE]);

interface ReadinessBody {
  status: string;
  reasons: { component?: string; alert?: string; reason: string }[];
  components: Record<string, { up: boolean; reason?: string; details?: Record<string, unknown> }>;
  alerts?: { code: string; reason: string; count: number }[];
}

async function readiness(): Promise<{ code: number; body: ReadinessBody }> {
  const { status, body } = await order.api.get('/health/ready').timeout(30_000);
  return { code: status, body };
}

const metrics = async () => (await order.api.get('/metrics').timeout(30_000)).text;
const loggedOf = (code: string) => warnings.filter((one) => one === code).length;
const alertOf = ({ alerts = [] }: ReadinessBody, code: string) => alerts.find((alert) => alert.code === code);

/**
 * Resolves when readiness is 503 and names the database with this reason first, and the alert has it too. From then on orders are turned
 * away, and the alert is counted but not logged again.
 */
async function downBecause(reason: RegExp, code: string): Promise<void> {
  const { count } = await waitUntil(
    async () => {
      const { code: status, body } = await readiness();
      const [first] = body.reasons;
      const isNamed = first?.component === 'database' && reason.test(first.reason);
      const alert = alertOf(body, code);
      if (status === 503 && body.status === 'down' && isNamed && alert && reason.test(alert.reason)) return alert;
      throw new Error(JSON.stringify(body));
    },
    { what: `readiness and ${code} to say ${reason}` },
  );
  const logged = loggedOf(code);
  expect(logged).toBeGreaterThan(0);
  for (let tries = 0; tries < 3; tries += 1) await turnedAway();
  expect(alertOf((await readiness()).body, code)?.count).toBeGreaterThan(count);
  expect(loggedOf(code)).toBe(logged);
}

async function turnedAway(): Promise<void> {
  const { status, headers, body } = await order.post(oneLine);
  expect([status, headers['retry-after'], body.code]).toEqual([503, '1', 'DATABASE_UNAVAILABLE']);
}

/** Resolves when the service has recovered by itself, and the alert is over. */
async function over(code: string): Promise<void> {
  await waitUntilReady(order.service);
  expect(alertOf((await readiness()).body, code)).toBeUndefined();
}

describe('the database server', () => {
  test('when it takes no writes, as after a failover, then orders are turned away, nobody leads, and all goes on once it takes them', async () => {
    await admin.query('ALTER SYSTEM SET default_transaction_read_only = on');
    await admin.query('SELECT pg_reload_conf()');
    try {
      await downBecause(/read-only/, 'DATABASE_READ_ONLY');
      await waitUntil(
        async () => (await readiness()).body.components.relay?.reason?.includes('the session is read-only'),
        {
          what: 'the relay to step down',
        },
      );
    } finally {
      await admin.query('ALTER SYSTEM RESET default_transaction_read_only');
      await admin.query('SELECT pg_reload_conf()');
    }
    await over('DATABASE_READ_ONLY');
  });

  test('when it gives out no more connections, then that is the reason, told once, until it does', async () => {
    await admin.query(`ALTER ROLE ${ROLE} CONNECTION LIMIT 0`);
    try {
      await endSessions();
      await downBecause(/^too many connections for role/, 'DATABASE_CONNECTIONS_EXHAUSTED');
    } finally {
      await admin.query(`ALTER ROLE ${ROLE} CONNECTION LIMIT -1`);
    }
    await over('DATABASE_CONNECTIONS_EXHAUSTED');
  });

  test('when it hangs, then readiness and metrics are answered all the same', async () => {
    // Sessions that nobody uses: what is asked on one of them would be answered by the server alone.
    await Promise.all(Array.from({ length: 8 }, () => order.api.get('/orders')));
    const thaw = await freeze();
    try {
      // The server runs again only when all of these are here.
      for (const { code, body } of await Promise.all([readiness(), readiness(), readiness()])) {
        expect([code, body.status]).toEqual([503, 'down']);
        expect(body.components.database).toMatchObject({ up: false, reason: 'no answer within 1500 ms' });
      }
      // After these, since what was read of the lag is shown for another second.
      for (const page of await Promise.all([metrics(), metrics()]))
        expect(page).toMatch(/^warren_relay_lag_events\S* Nan$/m);
    } finally {
      thaw();
    }
    await waitUntilReady(order.service);
  });

  test('when it shuts down and starts again, then its answer is the reason, told once, until it is back', async () => {
    // Its smart shutdown: it takes no new session, and waits for the end of those that are open. That of `admin` stays.
    process.kill(postgres.pid, 'SIGTERM');
    await waitUntil(takesNoSession, { what: 'the server to begin its shutdown' });
    await endSessions();
    await downBecause(/^the database system is shutting down$/, 'DATABASE_UNREACHABLE');
    await admin.end();
    await postgres.stop();
    await downBecause(/ECONNREFUSED/, 'DATABASE_UNREACHABLE');
    await postgres.start();
    admin = await connectAdmin();
    await over('DATABASE_UNREACHABLE');
  });

  // The last one: the alert lasts for a minute longer.
  test('when its disk is full, then orders are turned away, the reason is told once, and they are taken once there is room', async () => {
    const reason = 'could not extend file "base/5/16397": No space left on device';
    // A disk cannot be filled without the right to mount one. The server's answer is the real one.
    await admin.query(`
      CREATE FUNCTION fill_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '${reason}' USING ERRCODE = '53100'; END $$;
      CREATE TRIGGER full_disk BEFORE INSERT ON order_service.events EXECUTE FUNCTION fill_disk()`);
    try {
      for (let tries = 0; tries < 3; tries += 1) await turnedAway();
      const { code, body } = await readiness();
      expect([code, body.status]).toEqual([200, 'degraded']);
      expect(body.reasons).toContainEqual(expect.objectContaining({ alert: 'DATABASE_OUT_OF_RESOURCES', reason }));
      expect(alertOf(body, 'DATABASE_OUT_OF_RESOURCES')).toMatchObject({ count: 3 });
      expect(loggedOf('DATABASE_OUT_OF_RESOURCES')).toBe(1);
    } finally {
      await admin.query('DROP FUNCTION fill_disk CASCADE');
    }
  });
});

/** Stops the server and all its processes (SIGSTOP), as when its disk hangs. Returns what lets them go on. */
async function freeze(): Promise<() => void> {
  // The server itself first: it starts no further process then.
  process.kill(postgres.pid, 'SIGSTOP');
  const { rows } = await admin.query<{ pid: number }>('SELECT pid FROM pg_stat_activity');
  const pids = [postgres.pid, ...rows.map(({ pid }) => pid)];
  const signalAll = (signal: NodeJS.Signals) => {
    for (const pid of pids) {
      try {
        process.kill(pid, signal);
      } catch {
        // A session may have ended meanwhile.
      }
    }
  };
  signalAll('SIGSTOP');
  return () => signalAll('SIGCONT');
}
