import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createAlerts, type Logger, silentLogger } from '@warren/kernel';
import type { PostOutcome } from '../src/broker.ts';
import { Refusals } from '../src/publish/refusals.ts';

const posting = (routingKey: string, expendable = false) => ({
  message: { exchange: 'orders', routingKey },
  expendable,
});
const orders = posting('order.created');
const nacked: PostOutcome = { status: 'nacked', reason: 'full' };

describe('what the broker refuses', () => {
  const logged: string[] = [];
  const logger = {
    ...silentLogger,
    warn: (_: object, message: string) => void logged.push(message),
    info: (_: object, message: string) => void logged.push(message),
  } as unknown as Logger;
  let alerts: ReturnType<typeof createAlerts>;
  let refusals: Refusals;
  beforeEach(() => {
    jest.useFakeTimers();
    logged.length = 0;
    alerts = createAlerts({ logger });
    refusals = new Refusals({ alerts });
  });
  afterEach(() => {
    refusals.close();
    jest.useRealTimers();
  });
  const codes = () => alerts.active().map(({ code, subject }) => `${code} ${subject}`);

  test.each<[string, PostOutcome]>([
    ['PUBLISH_REFUSED', nacked],
    ['PUBLISH_REFUSED', { status: 'unknown', reason: '404', routeFault: 'refused' }],
    ['PUBLISH_UNANSWERED', { status: 'unknown', reason: 'no confirm', routeFault: 'unanswered' }],
    ['EVENT_UNROUTABLE', { status: 'returned', reason: 'no queue' }],
  ])('when it refuses again and again, then %s is logged once, and counted', (code, outcome) => {
    for (let times = 0; times < 100; times += 1) refusals.note(orders, outcome);
    expect(alerts.active()).toMatchObject([{ code, subject: 'orders/order.created', count: 100 }]);
    expect(logged).toHaveLength(1);
  });

  test('when it takes messages again, then that is over after a while of nothing else', () => {
    refusals.note(orders, nacked);
    refusals.note(posting('order.updated'), { status: 'confirmed' });
    jest.advanceTimersByTime(60_000);
    expect(codes()).toEqual(['PUBLISH_REFUSED orders/order.created']);
    refusals.note(orders, { status: 'confirmed' });
    jest.advanceTimersByTime(4000);
    expect(codes()).toEqual([]);
  });

  test('when a full queue takes one now and then, then that is one condition and not many', () => {
    for (let times = 0; times < 100; times += 1) {
      refusals.note(orders, times % 2 === 0 ? nacked : { status: 'confirmed' });
      jest.advanceTimersByTime(1000);
    }
    expect(logged).toHaveLength(1);
  });

  test('when nobody publishes there any more, then it is over after a while: another instance may do so now', () => {
    refusals.note(orders, nacked);
    jest.advanceTimersByTime(89_000);
    expect(codes()).toHaveLength(1);
    jest.advanceTimersByTime(3000);
    expect(codes()).toEqual([]);
  });

  test('when it refuses what nobody depends on, then that is a warning', () => {
    refusals.note(posting('health.changed', true), nacked);
    expect(alerts.active()).toMatchObject([{ code: 'NEWS_REFUSED', severity: 'warning', reason: 'full' }]);
  });

  test('when the connection was lost, then nothing is refused', () => {
    refusals.note(orders, { status: 'unknown', reason: 'connection lost' });
    expect(codes()).toEqual([]);
  });
});
