import { describe, expect, test } from '@jest/globals';
import type { AnswerQueueState } from '../../src/deadlines/answer-queues.ts';
import {
  confirmAll,
  DEADLINE_MS,
  fallSilent,
  type Instance,
  newInstance,
  OVERDUE_MS,
  oldInstance,
  open,
  pass,
  pool,
  QUEUE,
  setConsumer,
  statusOf,
  useTickets,
} from './deadline-fixture.ts';
import { replyWithin } from './tickets.ts';

useTickets();

describe('answers that were given are waited for', () => {
  /** Two instances with a ticket that is due. */
  async function twoWithDueTicket(): Promise<{ one: Instance; two: Instance; id: string }> {
    const [one, two] = [await oldInstance({ consumers: 2 }), await oldInstance({ consumers: 2 })];
    const id = await open(one);
    await confirmAll(OVERDUE_MS);
    return { one, two, id };
  }

  /** The ticket waits while answers wait in the queue of `two`, and expires when `two` finds that none do. */
  async function expectToWaitForAnswersOf(two: Instance, { one, id }: { one: Instance; id: string }): Promise<void> {
    two.seen = { settled: true, counts: { ready: 1, consumers: 2 } };
    await two.look();
    await one.look();
    expect(await statusOf(one, id)).toBe('open');
    two.seen = one.seen;
    await two.look();
    expect(await statusOf(one, id)).toBe('expired');
  }

  test.each<[string, Partial<AnswerQueueState>]>([
    ['messages wait in the queue', { counts: { ready: 1, consumers: 1 } }],
    ['a stranger consumes it too', { counts: { ready: 0, consumers: 2 } }],
    ['its own consumer is gone', { counts: { ready: 0, consumers: 0 } }],
    ['the channel was lost with messages in hand', { settled: false }],
    ['the consumer is being renewed', { counts: undefined }],
  ])('when %s, then no ticket expires until that is over', async (_, seen) => {
    const one = await oldInstance();
    const id = await open(one);
    await confirmAll(OVERDUE_MS);
    const before = one.seen;
    one.seen = { ...before, ...seen };
    expect(await one.look()).toBe(1);
    expect(await statusOf(one, id)).toBe('open');
    one.seen = before;
    await one.look();
    expect(await statusOf(one, id)).toBe('expired');
  });

  test('when another instance is not clear yet, then no ticket expires; once all are, whoever finds it lets it expire', async () => {
    const { one, two, id } = await twoWithDueTicket();
    await one.look();
    await expectToWaitForAnswersOf(two, { one, id });
  });

  test('when another instance was clear before the ticket was due only, then that does not count', async () => {
    const { one, two, id } = await twoWithDueTicket();
    await setConsumer(two, `clear_at = now() - interval '50 seconds'`);
    await pool.query(`UPDATE relay_checkpoints SET at = now() - interval '${DEADLINE_MS - 1000} milliseconds'`);
    await one.look();
    await pool.query(`UPDATE relay_checkpoints SET at = now() - interval '${OVERDUE_MS} milliseconds'`);
    await setConsumer(two, `clear_at = now() - interval '2 seconds'`);
    await one.look();
    expect(await statusOf(one, id)).toBe('open');
    await setConsumer(two, `clear_at = now()`);
    await one.look();
    expect(await statusOf(one, id)).toBe('expired');
  });

  test('when another instance was clear before they had been consumed for long enough, then that does not count', async () => {
    const { one, two, id } = await twoWithDueTicket();
    for (const instance of [one, two])
      await setConsumer(instance, `consuming_since = now() - interval '${DEADLINE_MS + 1000} milliseconds'`);
    await pool.query(`UPDATE relay_checkpoints SET at = now() - interval '1 hour'`);
    await setConsumer(two, `clear_at = now() - interval '2 seconds'`);
    expect(await one.look()).toBe(1);
    expect(await statusOf(one, id)).toBe('open');
    await two.look();
    await one.look();
    expect(await statusOf(one, id)).toBe('expired');
  });

  test('when another instance was clear long ago, or before it was away, then that does not count', async () => {
    const { one, two, id } = await twoWithDueTicket();
    await pool.query(`UPDATE relay_checkpoints SET at = now() - interval '1 hour'`);
    await setConsumer(two, `clear_at = now() - interval '2 minutes'`);
    await one.look();
    expect(await statusOf(one, id)).toBe('open');
    await setConsumer(two, 'clear_at = now()');
    await fallSilent(two);
    await expectToWaitForAnswersOf(two, { one, id });
  });

  test('when an instance has moved an answer to a retry queue, or has lost its channel, then its return is waited for', async () => {
    const { one, two, id } = await twoWithDueTicket();
    two.answers.returnsAt = performance.now() + 3_600_000;
    await two.look();
    await one.look();
    await two.look();
    expect(await statusOf(one, id)).toBe('open');
    await setConsumer(two, `clear_at = now() - interval '10 seconds', returns_until = now() - interval '5 seconds'`);
    await one.look();
    expect(await statusOf(one, id)).toBe('open');
    await two.look();
    expect(await statusOf(one, id)).toBe('expired');
  });

  test('when an instance says goodbye with answers in retry queues, then they are waited for; without any, then nothing is', async () => {
    const { one, two, id } = await twoWithDueTicket();
    two.answers.returnsAt = performance.now() + 3_600_000;
    await two.leave();
    one.seen = { settled: true, counts: { ready: 0, consumers: 1 } };
    await one.look();
    expect(await statusOf(one, id)).toBe('open');
    await setConsumer(two, `returns_until = '-infinity', clear_at = now() - interval '1 hour'`);
    await one.look();
    expect(await statusOf(one, id)).toBe('expired');
  });

  test('when an instance falls silent, then it is waited for until the broker counts it no more, and what it may have moved is back', async () => {
    const { one, two, id } = await twoWithDueTicket();
    const gone = `SELECT gone_at IS NOT NULL AS gone, returns_until > now() + interval '20 seconds' AS waited FROM answer_consumers WHERE instance = $1`;
    const stateOfTwo = async () => (await pool.query(gone, [two.id])).rows;
    await fallSilent(two);
    await one.look();
    expect(await statusOf(one, id)).toBe('open');
    expect(await stateOfTwo()).toEqual([{ gone: false, waited: false }]);
    one.seen = { settled: true, counts: { ready: 0, consumers: 1 } };
    await one.look();
    expect((await pool.query(gone, [one.id])).rows).toMatchObject([{ gone: false }]);
    await one.look();
    expect(await statusOf(one, id)).toBe('open');
    expect(await stateOfTwo()).toEqual([{ gone: true, waited: true }]);
    await setConsumer(two, `returns_until = now() - interval '1 second'`);
    await one.look();
    expect(await statusOf(one, id)).toBe('expired');
  });

  test('when an instance that was gone comes back and falls silent again, then it is waited for again', async () => {
    const { one, two, id } = await twoWithDueTicket();
    await setConsumer(two, 'gone_at = now()');
    two.seen = { settled: true, counts: { ready: 1, consumers: 2 } };
    await two.look();
    await fallSilent(two);
    one.seen = { settled: true, counts: { ready: 0, consumers: 1 } };
    await one.look();
    expect(await statusOf(one, id)).toBe('open');
  });

  test('when an instance moves an answer to a retry queue in the middle of a look, then its return is waited for', async () => {
    const one = await oldInstance();
    const id = await open(one);
    await confirmAll(OVERDUE_MS);
    const { caughtUp } = one.answers;
    one.answers.caughtUp = async () => {
      one.answers.returnsAt = performance.now() + 3_600_000;
      return caughtUp();
    };
    await one.look();
    expect(await statusOf(one, id)).toBe('open');
  });

  test('when an instance falls silent in the middle of a look, then nothing expires in that look', async () => {
    const { one, two, id } = await twoWithDueTicket();
    await two.look();
    const { caughtUp } = one.answers;
    one.answers.caughtUp = async () => {
      await fallSilent(two);
      return caughtUp();
    };
    await one.look();
    expect(await statusOf(one, id)).toBe('open');
  });

  test('when the only instance that consumes says goodbye in the middle of a look, then nothing expires in that look', async () => {
    const { one, two, id } = await twoWithDueTicket();
    Object.assign(one.answers, { consuming: false, consumed: [] });
    one.seen = { settled: true, counts: { ready: 0, consumers: 1 } };
    const { caughtUp } = one.answers;
    one.answers.caughtUp = async () => {
      await two.leave();
      return caughtUp();
    };
    await one.look();
    expect(await statusOf(one, id)).toBe('open');
  });

  test('when an instance looks for the first time and does not consume, then it does not stand in for one that says goodbye', async () => {
    const [two, one] = [await oldInstance(), newInstance()];
    Object.assign(one.answers, { consuming: false, consumed: [] });
    const id = await open(one);
    await confirmAll(OVERDUE_MS);
    const { caughtUp } = one.answers;
    one.answers.caughtUp = async () => {
      await two.leave();
      return caughtUp();
    };
    expect(await one.look()).toBe(1);
    expect(await statusOf(one, id)).toBe('open');
  });

  test('when nothing rests in the retry queues once a silent instance is gone, then its tickets do not wait for that', async () => {
    const { one, two } = await twoWithDueTicket();
    await fallSilent(two);
    one.seen = { settled: true, counts: { ready: 0, consumers: 1 } };
    one.longestRestMs = 0;
    await one.look();
    const { rows } = await pool.query(
      `SELECT returns_until < now() + interval '2 seconds' AS soon FROM answer_consumers WHERE instance = $1`,
      [two.id],
    );
    expect(rows).toEqual([{ soon: true }]);
  });

  test('when tickets are held back for longer than a deadline, then that is told with the reason, until none is due any more', async () => {
    const one = await oldInstance({ deadlines: [replyWithin(DEADLINE_MS), replyWithin(10 * DEADLINE_MS)] });
    const id = await open(one);
    await confirmAll(OVERDUE_MS);
    one.seen = { settled: true, counts: { ready: 1, consumers: 1 } };
    const heldAfter = async (ms: number) => {
      pass(ms);
      await one.look();
      return one.alerts.active().map(({ code, reason }) => [code, reason]);
    };
    await one.look();
    expect(await heldAfter(0)).toEqual([]);
    expect(await heldAfter(DEADLINE_MS)).toEqual([]);
    expect(await heldAfter(1)).toEqual([['DEADLINE_HELD', `1 answers wait in ${QUEUE}`]]);
    one.seen = { settled: true, counts: { ready: 0, consumers: 2 } };
    await one.look();
    expect(await heldAfter(0)).toMatchObject([
      ['DEADLINE_HELD', expect.stringMatching(/^the broker counts 2 consumers/)],
    ]);
    one.seen = { settled: true, counts: { ready: 0, consumers: 1 } };
    await one.look();
    expect(await statusOf(one, id)).toBe('expired');
    expect(await heldAfter(0)).toEqual([]);
  });

  test('when an instance has been gone for long, then it is forgotten, but not while its answers are on their way', async () => {
    const { one, two } = await twoWithDueTicket();
    await two.leave();
    await setConsumer(two, `gone_at = now() - interval '1 hour', returns_until = now() + interval '1 hour'`);
    await one.look();
    expect((await pool.query('SELECT instance FROM answer_consumers')).rows).toHaveLength(2);
    await setConsumer(two, `gone_at = now() - interval '1 hour', returns_until = now() - interval '1 hour'`);
    await one.look();
    expect((await pool.query('SELECT instance FROM answer_consumers')).rows).toEqual([{ instance: one.id }]);
  });
});
