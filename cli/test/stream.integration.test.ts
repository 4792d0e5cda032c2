import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPool } from '@warren/event-store';
import { createOrderFixture, type OrderFixture, type RunningOrder } from '../../services/order/test/order-fixture.ts';
import { main } from '../src/main.ts';
import { createRecordingTerminal } from './recording-terminal.ts';

let fixture: OrderFixture;
let order: RunningOrder;
/** A cancelled order. */
let id: string;

beforeAll(async () => {
  fixture = await createOrderFixture();
  order = await fixture.start();
  const placed = await order.post({ customerId: 'c', items: [{ productId: 'item1', quantity: 2 }] });
  id = placed.body.id;
  await order.api.post(`/orders/${id}/cancel`).send({ reason: 'too late' }).expect(200);
});
afterAll(() => fixture?.close());

async function run(...argv: string[]) {
  const { terminal, written } = createRecordingTerminal({ DATABASE_URL: fixture.database.url });
  return { code: await main(['stream', ...argv], terminal), ...written };
}

interface Row {
  type?: string;
  data?: string;
  metadata?: string;
  time?: string;
}
const METADATA = '{"correlationId":"c","causationId":"c","source":"order"}';

/** Begins a stream of orders with a row, as only another hand than the service's could. */
async function append(
  to: string,
  { type = 'OrderCreated', data = '{}', metadata = METADATA, time = 'now' }: Row,
): Promise<void> {
  const pool = createPool({ url: fixture.database.url, schema: 'order_service' });
  await pool.query(
    `INSERT INTO events (stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata)
     VALUES ('order-' || $1::text, 1, gen_random_uuid(), $2, 2, $1::text, $3::timestamptz, $4::json, $5::json)`,
    [to, type, time, data, metadata],
  );
  await pool.end();
}

const json = async (...argv: string[]) => JSON.parse((await run('order', id, ...argv, '--json')).out);

describe('warren stream', () => {
  it('when an aggregate exists, then its state, its row and its events are shown', async () => {
    const { code, out, err } = await run('order', id);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const head = `stream   order-${id}\nservice  order\nversion  2\n`;
    const state = `state    {\n  status: 'cancelled',\n  id: '${id}',\n  by: 'customer',\n  reason: 'too late'\n}\n`;
    const row = `row      {\n  id: '${id}',\n  customerId: 'c',\n  items: [ { productId: 'item1', quantity: 2 } ],\n`;
    expect(out.slice(0, (head + state + row).length)).toBe(head + state + row);
    expect(out).toMatch(/\n\nTIME .*\n\S+ +0 ms +OrderCreated v2 .*\n\S+ +\S+ m?s +OrderCancelled +reason="too late"/);
  });

  it('when JSON is asked for, then the row is what the API answers, and the events are those of its history', async () => {
    const { body: row } = await order.api.get(`/orders/${id}`);
    const { body: events } = await order.api.get(`/orders/${id}/events`);
    const state = { status: 'cancelled', id, by: 'customer', reason: 'too late' };
    expect(await json()).toEqual({ stream: `order-${id}`, service: 'order', version: 2, state, row, events });
  });

  it('when an earlier moment is asked for, a version or a time, then it is as it was then', async () => {
    const { createdAt } = (await json()).row;
    for (const at of ['1', createdAt]) {
      const then = await json('--at', at);
      expect(then).toMatchObject({ version: 1, state: { status: 'pending' }, row: { status: 'pending', version: 1 } });
      expect(then.events).toHaveLength(1);
    }
  });

  it.each([
    [['order', 'nonsense'], /^warren: there is no order nonsense\n$/],
    [['parcel', '1'], /^warren: there is no category parcel\. There are: .*order \(order\).*user \(user\).*\n$/],
    [['order', '1', '--service', 'user'], /^warren: there is no category order of a service user\. There are: /],
    [['user', '1'], /^warren: the database at \S+ has no event log of the user service: it has not been started on it/],
  ])('when %j does not exist, then it fails and says what does', async (argv, message) => {
    const { code, out, err } = await run(...argv);
    expect(err).toMatch(message);
    expect({ code, out }).toEqual({ code: 1, out: '' });
  });

  it('when it was not so at that moment, then it fails and says how it was', async () => {
    expect((await run('order', id, '--at', '3')).err).toMatch(/has reached only version 2, not 3\n$/);
    expect((await run('order', id, '--at', '2020-01-01')).err).toMatch(/at that time: it began at \d{4}-\S+Z\n$/);
  });

  it('when the log holds an event that the declaration does not know, then the events are shown as recorded, and why there is no state', async () => {
    await append('newer', { type: 'OrderPraised', data: '{"stars":5}' });
    const { code, out } = await run('order', 'newer');
    expect(out).toMatch(/\nproblem +a stream of order holds an event OrderPraised, which this program does not know\n/);
    expect(out).toMatch(/ OrderPraised v2 +stars=5\n$/);
    expect(code).toBe(0);
  });

  it('when the declaration fails on what the log holds, then the events are shown as recorded, and why there is no state', async () => {
    await append('odd', { data: 'null' });
    const { problem, events } = JSON.parse((await run('order', 'odd', '--json')).out);
    expect(problem).toMatch(/null/);
    expect(events).toMatchObject([{ type: 'OrderCreated', data: null }]);
  });

  it.each([
    ['endless', { time: 'infinity' }, 'its time is Infinity'],
    ['bare', { metadata: '[]' }, 'its metadata has no correlationId'],
  ])(
    'when a row cannot be read as an event, such as one that is %s, then it fails and names it',
    async (odd, row, why) => {
      await append(odd, row);
      const err = `warren: cannot read version 1 of order-${odd} (OrderCreated): ${why}\n`;
      expect(await run('order', odd)).toEqual({ code: 1, out: '', err });
    },
  );
});
