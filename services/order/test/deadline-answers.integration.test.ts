import { describe, expect, test } from '@jest/globals';
import { QUEUES } from '@shop/events/topology';
import { waitUntil } from '@warren/testing';
import {
  admin,
  amqp,
  answer,
  channel,
  deadlinePassed,
  ended,
  fixture,
  holdDeadlines,
  inventory,
  lookedAgain,
  ORDERS,
  overdue,
  place,
  received,
  releaseDeadlines,
  start,
  startProcess,
  states,
  useDeadlineFixture,
} from './deadline-fixture.ts';

useDeadlineFixture();

describe('the deadline of an order whose answer is on its way', () => {
  test('when an instance is frozen with answers in hand, then the other one cancels none of their orders, and they are confirmed when it goes on', async () => {
    const order = await start();
    const frozen = await startProcess();
    await holdDeadlines(2);
    frozen.signal('SIGSTOP');
    inventory.answering = true;
    const ids = await place(order);
    const inHand = async () => {
      const answers = (await fixture.vhost.queues()).find(({ name }) => name === QUEUES.orderInventoryReserved);
      return answers?.messages_unacknowledged ?? 0;
    };
    await waitUntil(
      async () => {
        const held = await inHand();
        return held > 0 && held + ((await states(ids)).confirmed ?? 0) === ORDERS;
      },
      { what: 'every answer to be applied or in the hand of the frozen instance' },
    );
    await releaseDeadlines(2);
    await deadlinePassed(ids);
    await lookedAgain();
    expect(await states(ids)).not.toHaveProperty('cancelled timed out');
    const lost = 'SELECT count(*)::int AS lost FROM answer_consumers WHERE gone_at IS NULL AND live_until < now()';
    await waitUntil(async () => (await admin.query(lost)).rows[0].lost === 1, {
      what: 'the frozen instance to count as lost',
    });
    await lookedAgain();
    expect(await states(ids)).not.toHaveProperty('cancelled timed out');
    frozen.signal('SIGCONT');
    expect(await ended(ids)).toEqual({ confirmed: ORDERS });
  });

  test('when a stranger holds answers, then their orders wait until it lets them go', async () => {
    const order = await start();
    await holdDeadlines();
    const stranger = await amqp.createChannel();
    const held: string[] = [];
    await stranger.consume(
      QUEUES.orderInventoryReserved,
      (message) => void held.push(String(message?.properties.messageId)),
    );
    inventory.answering = true;
    const ids = await place(order);
    await waitUntil(async () => held.length > 0 && held.length + ((await states(ids)).confirmed ?? 0) === ORDERS, {
      what: 'every answer to be applied or in the hand of the stranger',
    });
    await releaseDeadlines();
    await waitUntil(async () => (await overdue(order)) > 0 || undefined, { what: 'orders to be due' });
    await lookedAgain();
    expect(Object.keys(await states(ids)).sort()).toEqual(['confirmed', 'pending']);
    await stranger.close();
    expect(await ended(ids)).toEqual({ confirmed: ORDERS });
  });

  test('when an answer rests in a retry queue, then its order waits for it', async () => {
    const order = await start({ RETRY_BASE_MS: '4000' });
    await holdDeadlines();
    const [id = ''] = await place(order, 1);
    await received(1);
    await deadlinePassed([id]);
    await failingFor(id, async () => {
      await answer(id);
      const resting = async () => (await channel.checkQueue('retry.4s')).messageCount > 0 || undefined;
      await waitUntil(resting, { what: 'the answer to rest' });
    });
    await releaseDeadlines();
    await waitUntil(async () => (await overdue(order)) > 0 || undefined, { what: 'the order to be due' });
    expect(await ended([id])).toEqual({ confirmed: 1 });
  });

  test('when an answer went to the dead letters, then its order times out', async () => {
    const order = await start({ RETRY_MAX_ATTEMPTS: '1' });
    await holdDeadlines();
    const [id = ''] = await place(order, 1);
    await received(1);
    await failingFor(id, async () => {
      await answer(id);
      const dead = async () =>
        (await channel.checkQueue(`${QUEUES.orderInventoryReserved}.dlq`)).messageCount > 0 || undefined;
      await waitUntil(dead, { what: 'the dead letter' });
    });
    await releaseDeadlines();
    expect(await ended([id])).toEqual({ 'cancelled timed out': 1 });
  });
});

/** While the work lasts the database refuses that this order is confirmed. */
async function failingFor(orderId: string, work: () => Promise<void>): Promise<void> {
  await admin.query(`
    CREATE FUNCTION refuse_confirmation() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused by the test'; END $$;
    CREATE TRIGGER refused BEFORE INSERT ON events FOR EACH ROW
      WHEN (NEW.aggregate_id = '${orderId}' AND NEW.type = 'OrderConfirmed') EXECUTE FUNCTION refuse_confirmation()`);
  try {
    await work();
  } finally {
    await admin.query('DROP TRIGGER refused ON events; DROP FUNCTION refuse_confirmation');
  }
}
