import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createEvent, defineEvent, type EventOf, request } from '@warren/contracts';
import { createPool, type DatabasePool } from '@warren/event-store';
import { createId, formats, setting } from '@warren/kernel';
import { defineService, on, schemaOf } from '@warren/service';
import { createServiceFixture, type ServiceFixture, waitUntil } from '@warren/testing';
import { Opened, Replied, replyWithin, ticket, ticketMigrations, tickets } from './tickets.ts';

const Asked = defineEvent({
  type: 'Asked',
  version: 1,
  exchange: 'customers',
  routingKey: 'asked',
  schema: Opened.schema,
});

const helpdesk = defineService({
  name: 'helpdesk',
  port: 3998,
  settings: {
    replyMs: setting({ env: 'REPLY_MS', doc: 'The limit.', format: formats.integer(1, 60_000), default: 1000 }),
  },
  aggregates: [ticket],
  projections: [tickets],
  on: [on(Asked, ({ data }: EventOf<typeof Asked>) => request(ticket, { type: 'Open', data })), on(Replied, ticket)],
  deadlines: ({ replyMs }) => [replyWithin(replyMs)],
  migrations: ticketMigrations,
});

let fixture: ServiceFixture;
let pool: DatabasePool;
/** Whether somebody replies to the tickets that are opened. */
let staffed: boolean;

const publish = (contract: typeof Asked | typeof Replied, id: string) =>
  fixture.bus.publish(createEvent(contract, { aggregateId: id, source: 'test', data: { id } }));

async function ask(): Promise<string> {
  const id = createId();
  await publish(Asked, id);
  return id;
}

const ended = (id: string) =>
  waitUntil(
    async () => {
      const { rows } = await pool.query<{ status: string }>('SELECT status FROM tickets WHERE id = $1', [id]);
      return rows[0]?.status === 'open' ? undefined : rows[0]?.status;
    },
    { what: 'the end of the ticket' },
  );

beforeAll(async () => {
  fixture = await createServiceFixture(helpdesk);
  pool = createPool({ url: fixture.database.url, schema: schemaOf(helpdesk) });
  await fixture.bus.subscribe({
    queue: 'desk_opened',
    bindings: [Opened],
    handler: async ({ data }) => {
      if (staffed) await publish(Replied, data.id);
    },
  });
  await fixture.start();
});
beforeEach(() => {
  staffed = true;
});
afterAll(async () => {
  await pool.end();
  await fixture.close();
});

test('when nobody replies, then a ticket expires at its deadline, not before', async () => {
  staffed = false;
  const id = await ask();
  expect(await ended(id)).toBe('expired');
  const { rows } = await pool.query(
    `SELECT max(recorded_at) - min(recorded_at) >= interval '1 second' AS late FROM events WHERE aggregate_id = $1`,
    [id],
  );
  expect(rows).toEqual([{ late: true }]);
});

test('when somebody replies, then it is solved', async () => {
  // However late the reply is on a busy machine.
  await pool.query(`UPDATE answer_consumers SET consuming_since = now() + interval '1 hour'`);
  expect(await ended(await ask())).toBe('solved');
});

test('when an instance starts, then it is a consumer of answers that counts; when it has stopped, then it has said goodbye', async () => {
  const known = async () =>
    (await pool.query<{ gone: boolean }>('SELECT gone_at IS NOT NULL AS gone FROM answer_consumers ORDER BY 1')).rows;
  const instance = await fixture.start();
  await waitUntil(async () => (await known()).length === 2 || undefined, { what: 'the first look' });
  expect((await instance.lifecycle.readiness()).components.deadlines).toEqual({ up: true });
  await instance.lifecycle.stop();
  expect(await known()).toEqual([{ gone: false }, { gone: true }]);
});
