import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createAlerts, type Logger, silentLogger } from '@warren/kernel';
import type { BrokerOutcome } from '../src/broker.ts';
import { Refusals } from '../src/publish/refusals.ts';

const pending = (routingKey: string, bestEffort = false) => ({
  message: { exchange: 'orders', routingKey },
  bestEffort,
});
const orders = pending('order.created');
const nacked: BrokerOutcome = { status: 'nacked', reason: 'full' };

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

  test.each<[string, BrokerOutcome]>([
    ['PUBLISH_REFUSED', nacked],
    ['PUBLISH_REFUSED', { status: 'unknown', reason: '404', routeFault: 'refused' }],
    ['PUBLISH_UNANSWERED', { status: 'unknown', reason: 'no confirm', routeFault: 'unanswered' }],
    ['EVENT_UNROUTABLE', { status: 'returned', reason: 'no queue' }],
  ])('when it refuses repeatedly, then %s is logged once, and counted', (code, outcome) => {
    for (let times = 0; times < 100; times += 1) refusals.record(orders, outcome);
    expect(alerts.active()).toMatchObject([{ code, subject: 'orders/order.created', count: 100 }]);
    expect(logged).toHaveLength(1);
  });

  test('when it accepts messages again, then the alert ends after a while without refusals', () => {
    refusals.record(orders, nacked);
    refusals.record(pending('order.updated'), { status: 'confirmed' });
    jest.advanceTimersByTime(60_000);
    expect(codes()).toEqual(['PUBLISH_REFUSED orders/order.created']);
    refusals.record(orders, { status: 'confirmed' });
    jest.advanceTimersByTime(4000);
    expect(codes()).toEqual([]);
  });

  test('when a full queue accepts a message now and then, then that is a single alert', () => {
    for (let times = 0; times < 100; times += 1) {
      refusals.record(orders, times % 2 === 0 ? nacked : { status: 'confirmed' });
      jest.advanceTimersByTime(1000);
    }
    expect(logged).toHaveLength(1);
  });

  test('when nothing is published there any more, then the alert ends after a while: another instance may publish there now', () => {
    refusals.record(orders, nacked);
    jest.advanceTimersByTime(89_000);
    expect(codes()).toHaveLength(1);
    jest.advanceTimersByTime(3000);
    expect(codes()).toEqual([]);
  });

  test('when it refuses best-effort events, then that is a warning', () => {
    refusals.record(pending('health.changed', true), nacked);
    expect(alerts.active()).toMatchObject([{ code: 'BEST_EFFORT_REFUSED', severity: 'warning', reason: 'full' }]);
  });

  test('when the connection was lost, then nothing counts as refused', () => {
    refusals.record(orders, { status: 'unknown', reason: 'connection lost' });
    expect(codes()).toEqual([]);
  });
});
