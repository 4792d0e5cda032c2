import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import { QUEUES } from '@shop/events/topology';
import { deadLetterQueue, retryName } from '@warren/contracts';
import { startTestBroker, type TestBroker, waitUntil } from '@warren/testing';
import { type System, startSystem } from './system.ts';

const queue = QUEUES.inventoryOrderCreated;
const line = [{ productId: 'item1', quantity: 3 }];

let system: System;
let broker: TestBroker | undefined;
afterEach(async () => {
  await system?.close();
  await broker?.close();
  broker = undefined;
});

/**
 * Lets the warehouse refuse the reservation of every order, at the first `times` tries in all, as a wrong constraint would. A sequence is not
 * rolled back, so it counts the tries. Each begins with the statement that is a whole transaction; when that fails, a transaction follows.
 */
async function failReservations(times: number): Promise<void> {
  await system.sql(`CREATE SEQUENCE public.tries MINVALUE 0 START 0;
    CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF current_query() LIKE '%refuse_commit%' THEN PERFORM nextval('public.tries'); END IF;
      IF (SELECT last_value FROM public.tries) < ${times} THEN RAISE EXCEPTION 'the warehouse is being counted'; END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON inventory_service.reservation FOR EACH ROW EXECUTE FUNCTION public.refuse()`);
}

const repair = () => system.sql('DROP TRIGGER refuse ON inventory_service.reservation');

async function tries(): Promise<number> {
  const [row] = await system.sql<{ tries: number }>(
    'SELECT CASE WHEN is_called THEN last_value + 1 ELSE 0 END::int AS tries FROM public.tries',
  );
  return row?.tries ?? Number.NaN;
}

/** What a reservation of three pieces leaves behind when it is made once. */
async function expectOneEffect(id: string): Promise<void> {
  expect(await system.stock()).toEqual([
    { product_id: 'item1', available: 97, reserved: 3, reservedByOrders: 3, ledger: 97 },
  ]);
  const ledger = 'SELECT delta::int FROM inventory_service.stock_ledger WHERE order_id = $1';
  expect(await system.sql(ledger, [id])).toEqual([{ delta: -3 }]);
  const events = 'SELECT type FROM inventory_service.events WHERE aggregate_id = $1';
  expect(await system.sql(events, [id])).toEqual([{ type: 'InventoryReserved' }]);
}

/** When the log of the inventory has each failed try, in milliseconds since 1970. */
function failures(): { at: number; attempt: number; delayMs?: number }[] {
  return (system.inventories[0]?.output ?? [])
    .filter((line) => /"msg":"handling failed: /.test(line))
    .map((line) => JSON.parse(line) as { time: number | string; attempt: number; delayMs?: number })
    .map(({ time, attempt, delayMs }) => ({ at: new Date(time).getTime(), attempt, delayMs }));
}

const warren = (...args: string[]) => {
  const env = { ...process.env, AMQP_URL: system.vhost.amqpUrl };
  return promisify(execFile)(process.execPath, [join('cli', 'bin', 'warren.mjs'), ...args], { env });
};

describe('a message that fails', () => {
  it('when it fails twice, then it is handled at the third try, after 1 s and 2 s, with one effect', async () => {
    system = await startSystem({ env: { INITIAL_STOCK: 'item1:100' } });
    await failReservations(2);
    const { id } = await system.place(line);
    expect(await system.ended(id)).toMatchObject({ status: 'confirmed' });
    expect(await tries()).toBe(3);
    const [first, second, ...others] = failures();
    expect([first?.delayMs, second?.delayMs, others]).toEqual([1000, 2000, []]);
    const [reserved] = await system.sql<{ at: number }>(
      'SELECT (extract(epoch FROM recorded_at) * 1000)::float8 AS at FROM inventory_service.events WHERE aggregate_id = $1',
      [id],
    );
    // A clock may round: the broker's delays are whole milliseconds.
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(990);
    expect((reserved?.at ?? 0) - (second?.at ?? 0)).toBeGreaterThanOrEqual(1990);
    await expectOneEffect(id);
  });

  it('when it fails for ever, then it is a dead letter after the configured tries, and handled once after the fix and a replay', async () => {
    const pace = { RETRY_MAX_ATTEMPTS: '3', RETRY_BASE_MS: '100' };
    system = await startSystem({ env: { INITIAL_STOCK: 'item1:100', ...pace } });
    await failReservations(1_000_000);
    const { id } = await system.place(line);
    await waitUntil(() => failures().length === 3, { what: 'the last try' });
    const [letter] = await waitUntil(
      async () => {
        const { stdout } = await warren('dlq', 'list', '--json');
        const letters = JSON.parse(stdout) as Record<string, unknown>[];
        return letters.length > 0 ? letters : undefined;
      },
      { intervalMs: 250, what: 'a dead letter' },
    );
    expect(letter).toMatchObject({ queue, attempts: 3, code: 'DATABASE_FAULT', reason: 'exhausted' });
    expect(await tries()).toBe(3);
    expect((await system.get(id)).status).toBe('pending');

    await repair();
    await warren('dlq', 'replay');
    expect(await system.ended(id)).toMatchObject({ status: 'confirmed' });
    await expectOneEffect(id);
    expect(JSON.parse((await warren('dlq', 'list', '--json')).stdout)).toEqual([]);
  });

  it('when service and broker are killed while it waits for its second try, then it is tried again by itself, and its tries are counted on', async () => {
    broker = await startTestBroker();
    const pace = { RETRY_MAX_ATTEMPTS: '2', RETRY_BASE_MS: '20000' };
    system = await startSystem({ broker, env: { INITIAL_STOCK: 'item1:100', ...pace } });
    await failReservations(1_000_000);
    // Now, while no delay runs: it takes a process of Erlang.
    await broker.sync();
    const { id } = await system.place(line);
    await waitUntil(async () => (await retried()) === 1, { what: 'the message to be confirmed in the delay queue' });
    // The first delivery is acknowledged after that; the broker has taken it when its statistics, two a second, know of nothing any more.
    await delay(1500);
    const stored = () => system.vhost.management<{ messages?: number }>('GET', `queues/${queue}`);
    await waitUntil(async () => (await stored()).messages === 0, {
      intervalMs: 500,
      what: 'the first delivery to be acknowledged',
    });
    await Promise.all([system.inventories[0]?.kill(), broker.kill()]);
    expect(await tries()).toBe(1);
    await broker.start();
    // In one of the two, or for a moment in both: the delay queue keeps it until the other has confirmed it.
    await waitUntil(async () => (await depth(retryName(20_000))) + (await depth(queue)) >= 1, {
      intervalMs: 1000,
      what: 'the message, which nobody takes yet',
    });
    await system.inventories[0]?.start();

    await waitUntil(async () => (await depth(deadLetterQueue(queue))) === 1, {
      intervalMs: 1000,
      what: 'the dead letter',
    });
    expect(await tries()).toBe(2);
    expect(failures().map(({ attempt }) => attempt)).toEqual([1, 2]);
    await repair();
    await warren('dlq', 'replay');
    expect(await system.ended(id)).toMatchObject({ status: 'confirmed' });
    await expectOneEffect(id);
  });
});

/** How many messages the inventory has moved into a delay queue, confirmed by the broker. */
async function retried(): Promise<number> {
  const page = await (await fetch(`${system.inventories[0]?.url}/metrics`)).text();
  return Number(/^warren_bus_retried_total{[^}]*} (\d+)$/m.exec(page)?.[1] ?? 0);
}

/** How many messages a queue has, at most a second ago: sooner than the management API says it. Each look is a process of Erlang. */
async function depth(name: string): Promise<number> {
  const output = await broker?.control(['list_queues', '--vhost', system.vhost.name, '--quiet', 'name', 'messages']);
  const line = output?.split('\n').find((one) => one.startsWith(`${name}\t`));
  return Number(line?.split('\t')[1]);
}
