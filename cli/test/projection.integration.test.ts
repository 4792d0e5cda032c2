import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPool } from '@warren/event-store';
import { createOrderFixture, type OrderFixture, type RunningOrder } from '../../services/order/test/order-fixture.ts';
import { main } from '../src/main.ts';
import { createRecordingTerminal } from './recording-terminal.ts';

let fixture: OrderFixture;
let order: RunningOrder;

beforeAll(async () => {
  fixture = await createOrderFixture();
  order = await fixture.start();
});
afterAll(() => fixture.close());

/** With `interactive` as from a terminal, where progress is shown. */
async function run(argv: string[], { url = fixture.database.url, interactive = false } = {}) {
  const { terminal, written } = createRecordingTerminal({ DATABASE_URL: url }, interactive || undefined);
  return { code: await main(['projection', 'rebuild', ...argv], terminal), ...written };
}

async function place(): Promise<string> {
  const { body, status } = await order.post({ customerId: 'c', items: [{ productId: 'item1', quantity: 1 }] });
  expect(status).toBe(201);
  return body.id;
}

describe('warren projection rebuild', () => {
  it('when orders come in meanwhile, then each is answered, and the table is rebuilt with all of them', async () => {
    const before = await Promise.all(Array.from({ length: 20 }, place));
    const pool = createPool({ url: fixture.database.url, schema: 'order_service' });
    await pool.query(`UPDATE orders SET customer_id = 'wrong'`);
    await pool.end();
    const [rebuilt, ...beside] = await Promise.all([run(['orders']), ...Array.from({ length: 40 }, place)]);
    expect(rebuilt).toMatchObject({ code: 0, err: '' });
    expect(rebuilt.out).toMatch(/^orders: rebuilt from \d+ events in [\d.]+ s \(\d+ events\/s\)\n$/);

    for (const id of [...before, ...beside])
      expect((await order.api.get(`/orders/${id}`)).body).toMatchObject({ id, customerId: 'c' });
  });

  it('when a terminal shows it, then the progress goes to standard error, and with --json the outcome comes as JSON', async () => {
    const { code, out, err } = await run(['orders', '--service', 'order', '--json'], { interactive: true });
    expect(JSON.parse(out)).toEqual({
      service: 'order',
      projection: 'orders',
      events: expect.any(Number),
      seconds: expect.any(Number),
      eventsPerSecond: expect.any(Number),
    });
    expect(err).toMatch(/rebuilding orders \[#+\] (\d+)\/\1, /);
    expect(code).toBe(0);
  });

  it('when the service has never been started on the database, then it fails and says so', async () => {
    const empty = new URL(fixture.database.url);
    empty.pathname = '/postgres';
    const { code, out, err } = await run(['orders'], { url: empty.href });
    expect(err).toMatch(/^warren: .*has the service been started on this database\?\n$/);
    expect({ code, out }).toEqual({ code: 1, out: '' });
  });

  it('when the database cannot be reached, then one line says which one, without its password', async () => {
    const { code, err } = await run(['orders'], { url: 'postgres://user:secret@127.0.0.1:1/warren' });
    expect(err).toMatch(/^warren: cannot use the database at 127\.0\.0\.1:1: .*ECONNREFUSED.*\n$/);
    expect(err).not.toContain('secret');
    expect(code).toBe(1);
  });
});
