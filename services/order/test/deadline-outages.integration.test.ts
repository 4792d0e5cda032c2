import { describe, expect, test } from '@jest/globals';
import {
  admin,
  answer,
  broker,
  DEADLINE_MS,
  deadlinePassed,
  ended,
  fixture,
  holdDeadlines,
  inventory,
  lookedAgain,
  ORDERS,
  place,
  received,
  releaseDeadlines,
  start,
  states,
  useDeadlineFixture,
} from './deadline-fixture.ts';

const HOUR_MS = 3_600_000;
/** For orders that must be answered while their deadline counts: a busy machine can take longer than a second. */
const PATIENT_MS = 4000;
const patient = { ORDER_DEADLINE_MS: String(PATIENT_MS) };

useDeadlineFixture();

describe('the deadline of an order, with a real broker', () => {
  test('when the inventory is away and everything else is up, then orders time out, not before their time', async () => {
    const order = await start();
    const ids = await place(order, 3);
    expect(await ended(ids)).toEqual({ 'cancelled timed out': 3 });
    const { rows } = await admin.query(
      `SELECT min(c.recorded_at - o.recorded_at) >= $2 * interval '1 millisecond' AS late FROM events o JOIN events c USING (stream_id)
       WHERE o.aggregate_id = ANY ($1) AND o.stream_version = 1 AND c.stream_version = 2`,
      [ids, DEADLINE_MS],
    );
    expect(rows).toEqual([{ late: true }]);
  });

  test('when the service was stopped for longer than the deadline while the inventory answered, then all are confirmed', async () => {
    const before = await start();
    await holdDeadlines();
    const ids = await place(before);
    await received(ORDERS);
    await before.service.lifecycle.stop();
    await Promise.all(ids.map(answer));
    await deadlinePassed(ids);
    await start();
    expect(await ended(ids)).toEqual({ confirmed: ORDERS });
  });

  test('when the clock of an instance is an hour ahead, then it cancels nothing before its time', async () => {
    const right = await start({ ORDER_DEADLINE_MS: '600000' });
    const ids = await place(right);
    // Nobody else is left to hold it back.
    await right.service.lifecycle.stop();
    const ahead = await start({ ORDER_DEADLINE_MS: '600000' }, { now: () => new Date(Date.now() + HOUR_MS) });
    await releaseDeadlines();
    ids.push(...(await place(ahead)));
    await received(2 * ORDERS);
    await lookedAgain();
    expect(await states(ids)).toEqual({ pending: 2 * ORDERS });
    await Promise.all(ids.map(answer));
    expect(await ended(ids)).toEqual({ confirmed: 2 * ORDERS });
  });

  test('when the broker is away for longer than the deadline, then orders placed meanwhile are confirmed once it is back', async () => {
    const order = await start({ ...patient, AMQP_URL: broker.through(fixture.vhost.amqpUrl) });
    inventory.answering = true;
    broker.refuse(true);
    broker.cut();
    const ids = await place(order);
    await deadlinePassed(ids, PATIENT_MS);
    expect(await states(ids)).toEqual({ pending: ORDERS });
    broker.refuse(false);
    expect(await ended(ids)).toEqual({ confirmed: ORDERS });
  });

  test('when a transaction elsewhere holds the cursor of the relay back, then no confirm counts and no order times out', async () => {
    const order = await start(patient);
    const holder = await admin.connect();
    await holder.query('BEGIN; SELECT pg_current_xact_id()');
    const ids = await place(order);
    await deadlinePassed(ids, PATIENT_MS);
    await lookedAgain();
    expect(await states(ids)).toEqual({ pending: ORDERS });
    await holder.query('COMMIT');
    holder.release();
    await Promise.all(ids.map(answer));
    expect(await ended(ids)).toEqual({ confirmed: ORDERS });
  });
});
