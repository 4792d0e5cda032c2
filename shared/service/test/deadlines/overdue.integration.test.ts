import { describe, expect, test } from '@jest/globals';
import { rebuildProjection } from '@warren/event-store';
import {
  confirmAll,
  DEADLINE_MS,
  fallSilent,
  IN_TIME_MS,
  log,
  newInstance,
  OVERDUE_MS,
  oldInstance,
  open,
  pool,
  setConsumer,
  statusOf,
  useTickets,
} from './deadline-fixture.ts';
import { replyWithin, ticket, tickets } from './tickets.ts';

useTickets();

describe('a ticket that nobody answers', () => {
  test('when its time is over, then it expires, with its correlation and its trace carried on', async () => {
    const one = await oldInstance();
    const traceContext = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
    const id = await open(one, { correlationId: 'request-1', traceContext });
    await confirmAll(OVERDUE_MS);
    expect(await one.look()).toBe(1);
    const [opened, expired] = await one.store.history(ticket, id);
    expect(expired).toMatchObject({
      type: 'Expired',
      metadata: { correlationId: 'request-1', causationId: opened?.id, ...traceContext },
    });
    expect(await one.look()).toBe(0);
  });

  test('when the answer came in time, then nothing happens; when it comes late, then it is ignored', async () => {
    const one = await oldInstance();
    const [inTime, late] = [await open(one), await open(one)];
    await confirmAll(OVERDUE_MS);
    await one.reply(inTime);
    expect(await one.look()).toBe(1);
    await one.reply(late);
    expect([await statusOf(one, inTime), await statusOf(one, late)]).toEqual(['solved', 'expired']);
  });

  test('when several instances look at the same moment, while answers come, then each ticket ends once', async () => {
    const instances = [newInstance(), newInstance(), newInstance()] as const;
    const [first] = instances;
    const ids = await Promise.all(Array.from({ length: 200 }, () => open(first)));
    await confirmAll(OVERDUE_MS);
    const expire = () => instances.map((one) => one.expire(150));
    const answered = ids.filter((_, at) => at % 2);
    await Promise.all([...expire(), first.reply(...answered), ...expire()]);
    while ((await first.expire(150)) > 0);
    const ends = await Promise.all(ids.map((id) => first.store.get(tickets, id)));
    expect(new Set(ends.map(({ version }) => version))).toEqual(new Set([2]));
    expect(ends.filter((_, at) => at % 2 === 0).every(({ status }) => status === 'expired')).toBe(true);
  });

  test('when a service has several deadlines, then each counts its own time', async () => {
    const late = replyWithin(10 * DEADLINE_MS);
    const one = await oldInstance({ deadlines: [late, replyWithin(DEADLINE_MS)] });
    const id = await open(one);
    await confirmAll(OVERDUE_MS);
    // Due by one of them; found once.
    expect(await one.look()).toBe(1);
    expect(await statusOf(one, id)).toBe('expired');
  });

  test('when tickets cannot be decided, or have ended in the log alone, then the others expire all the same', async () => {
    const one = newInstance();
    const broken = [await open(one), await open(one)];
    const [ended, archived] = [await open(one), await open(one)];
    const sound = await open(one);
    await log.transaction(({ query }) =>
      query(`UPDATE events SET type = 'OfTheFuture' WHERE aggregate_id = ANY ($1)`, [broken]),
    );
    await one.reply(ended, archived);
    await pool.query(`UPDATE tickets SET status = 'open' WHERE id = ANY ($1)`, [[ended, archived]]);
    await pool.query(
      `WITH moved AS (DELETE FROM events WHERE aggregate_id = $1 RETURNING *) INSERT INTO archived_events SELECT * FROM moved`,
      [archived],
    );
    await confirmAll(OVERDUE_MS);
    expect(await one.expire(2)).toBe(5);
    expect(await statusOf(one, sound)).toBe('expired');
  });
});

describe('the deadline counts from the confirm', () => {
  test('when the creation of a ticket was confirmed later than others, or not at all, then it is not due with them', async () => {
    const one = await oldInstance();
    const first = await open(one);
    await confirmAll(OVERDUE_MS);
    const second = await open(one);
    await confirmAll(IN_TIME_MS);
    const third = await open(one);
    expect(await one.look()).toBe(1);
    expect(await statusOf(one, first)).toBe('expired');
    expect([await statusOf(one, second), await statusOf(one, third)]).toEqual(['open', 'open']);
  });

  test('when a transaction that began early commits late, then it counts from its own confirm, whatever its position', async () => {
    const one = await oldInstance();
    const id = await open(one);
    await confirmAll(OVERDUE_MS);
    await pool.query(`UPDATE events SET tx = pg_current_xact_id() WHERE aggregate_id = $1`, [id]);
    expect(await one.look()).toBe(0);
    await confirmAll(OVERDUE_MS - 1);
    expect(await one.look()).toBe(1);
  });

  test('when its creation is parked, then it is not due; once that was published, then it counts from there', async () => {
    const one = await oldInstance();
    const id = await open(one);
    await confirmAll(OVERDUE_MS);
    await pool.query(
      `INSERT INTO parked_events (relay, position, stream_id, event_id, reason)
       SELECT 'outbox', position, stream_id, event_id, 'no queue' FROM events WHERE aggregate_id = $1`,
      [id],
    );
    const publishedAgo = (ms: number) =>
      pool.query(`UPDATE parked_events SET published_at = now() - $1 * interval '1 millisecond'`, [ms]);
    expect(await one.look()).toBe(0);
    await publishedAgo(IN_TIME_MS);
    expect(await one.look()).toBe(0);
    await publishedAgo(OVERDUE_MS);
    expect(await one.look()).toBe(1);
  });

  test('when the read model is rebuilt, or a row does not know the position, then the deadline is the same', async () => {
    const one = await oldInstance();
    const due = await open(one);
    await confirmAll(OVERDUE_MS);
    const later = await open(one);
    await confirmAll(IN_TIME_MS);
    await rebuildProjection({ pool, projection: tickets });
    await pool.query('UPDATE tickets SET position = DEFAULT');
    expect(await one.look()).toBe(1);
    expect([await statusOf(one, due), await statusOf(one, later)]).toEqual(['expired', 'open']);
  });
});

describe('the deadline counts while the answer queues are consumed', () => {
  test('when nobody has consumed them for long enough, then no ticket is due', async () => {
    const one = newInstance();
    const id = await open(one);
    await confirmAll(OVERDUE_MS);
    one.answers.consuming = false;
    expect(await one.look()).toBe(0);
    one.answers.consuming = true;
    expect(await one.look()).toBe(0);
    await setConsumer(one, `consuming_since = now() - interval '${IN_TIME_MS} milliseconds'`);
    expect(await one.look()).toBe(0);
    expect(await statusOf(one, id)).toBe('open');
    await setConsumer(one, `consuming_since = now() - interval '${DEADLINE_MS + 1} milliseconds'`);
    expect(await one.look()).toBe(1);
    expect(await statusOf(one, id)).toBe('expired');
  });

  test('when only an instance that has fallen silent has consumed them for long enough, then no ticket is due', async () => {
    const [silent, one] = [await oldInstance(), newInstance()];
    await open(one);
    await confirmAll(OVERDUE_MS);
    await fallSilent(silent);
    expect(await one.look()).toBe(0);
  });

  test('when an instance comes back after it was away, then its time starts again; while another one consumed, then from that', async () => {
    const one = await oldInstance();
    const id = await open(one);
    await confirmAll(OVERDUE_MS);
    await fallSilent(one);
    expect(await one.look()).toBe(0);
    const other = await oldInstance({ consumers: 2 });
    one.seen.counts = { ready: 0, consumers: 2 };
    expect(await one.look()).toBe(1);
    expect(await statusOf(one, id)).toBe('open');
    await other.look();
    await one.look();
    expect(await statusOf(one, id)).toBe('expired');
  });
});
