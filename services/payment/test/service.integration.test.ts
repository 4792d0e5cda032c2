import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { EventEnvelope } from '@warren/contracts';
import type { PaymentService } from '../src/compose.ts';
import { orderCreated, orderUpdated } from './messages.ts';
import { createPaymentFixture, type PaymentFixture } from './running-payment.ts';

let payment: PaymentFixture;
beforeEach(async () => {
  payment = await createPaymentFixture();
});
afterEach(() => payment.close());

/** An order of this total, told of and confirmed. */
async function confirmedOrder(total: number | undefined): Promise<string> {
  const created = orderCreated(total);
  await payment.publish([created, orderUpdated(created.data.id, 'confirmed')]);
  return created.data.id;
}

describe('the payment service', () => {
  it('when an order is confirmed, then its total is charged once and that is told, caused by what it follows from', async () => {
    await payment.start(1);
    const created = orderCreated(20.4);
    const { id: orderId } = created.data;
    const confirmed = orderUpdated(orderId, 'confirmed');
    confirmed.metadata.correlationId = created.metadata.correlationId;
    await payment.publish([created, confirmed]);
    await payment.answered(1);
    const paymentId = `simulated-${orderId}`;
    expect(payment.answers[0]).toMatchObject({
      type: 'PaymentProcessed',
      data: { orderId, amount: 20.4, currency: 'EUR', paymentId },
      metadata: { correlationId: created.metadata.correlationId, source: 'payment' },
    });
    expect(await payment.ledger()).toEqual([{ kind: 'charge', amount: '20.40', calls: 1 }]);
    const story = await payment.select('SELECT type, metadata FROM log ORDER BY position');
    expect(story).toMatchObject([
      { type: 'PaymentPlanned' },
      { type: 'ChargeRequested', metadata: { causationId: confirmed.id } },
      { type: 'PaymentProcessed' },
    ]);
  });

  it('when the gateway declines, then that is told with the reason, and nothing is taken', async () => {
    await payment.start(1);
    const orderId = await confirmedOrder(10.13);
    await payment.answered(1);
    expect(payment.answers[0]).toMatchObject({
      type: 'PaymentFailed',
      data: { orderId, amount: 10.13, currency: 'EUR', reason: 'the card was declined' },
    });
    expect(await payment.moneyTaken()).toBe(0);
  });

  it('when the gateway does not answer twice, then it is asked again under the same key and the money is taken once', async () => {
    await payment.start(1);
    const orderId = await confirmedOrder(10.17);
    await payment.answered(1);
    expect(payment.toldOf(orderId)).toEqual(['PaymentProcessed']);
    expect(await payment.ledger()).toEqual([{ kind: 'charge', amount: '10.17', calls: 3 }]);
  });

  it('when the gateway answers twice, then that is told once', async () => {
    const [service] = (await payment.start(1)) as [PaymentService];
    const twice = await confirmedOrder(10.19);
    const once = await confirmedOrder(10);
    await payment.answered(2);
    await payment.settled(4);
    expect([payment.toldOf(twice), payment.toldOf(once)]).toEqual([['PaymentProcessed'], ['PaymentProcessed']]);
    const metrics = await (await fetch(`http://127.0.0.1:${service.port}/metrics`)).text();
    expect(metrics).toMatch(/warren_payment_decisions_total{message="ChargeAnswered",outcome="ignored",.*} 1/);
  });

  it('when an order has no total, then it is paid without the gateway', async () => {
    await payment.start(1);
    const orderId = await confirmedOrder(undefined);
    await payment.answered(1);
    expect(payment.answers[0]).toMatchObject({ type: 'PaymentProcessed', data: { orderId, amount: 0 } });
    expect(await payment.ledger()).toEqual([]);
  });

  it('when an order was placed where no payments are taken, then nothing is taken', async () => {
    await payment.start(1);
    const created = orderCreated(10, { toBePaid: false });
    await payment.publish([created, orderUpdated(created.data.id, 'confirmed')]);
    await payment.settled(2);
    expect(await payment.ledger()).toEqual([]);
  });

  it('when a paid order is cancelled, then its charge is given back, once', async () => {
    await payment.start(2);
    const orderId = await confirmedOrder(20.4);
    await payment.answered(1);
    const cancelled = orderUpdated(orderId, 'cancelled');
    await payment.publish([cancelled, cancelled, orderUpdated(orderId, 'cancelled')]);
    await payment.answered(2);
    await payment.settled(4);
    expect(payment.answers[1]).toMatchObject({
      type: 'PaymentRefunded',
      data: { orderId, amount: 20.4, currency: 'EUR', paymentId: `simulated-${orderId}` },
    });
    expect(payment.toldOf(orderId)).toEqual(['PaymentProcessed', 'PaymentRefunded']);
    expect(await payment.ledger()).toEqual([
      { kind: 'charge', amount: '20.40', calls: 1 },
      { kind: 'refund', amount: '20.40', calls: 1 },
    ]);
  });

  it('when an order is cancelled while the gateway does not answer, then what it has taken is given back', async () => {
    await payment.start(1, { PAYMENT_GATEWAY_TIMEOUT_MS: '300' });
    const orderId = await confirmedOrder(10.17);
    await payment.publish([orderUpdated(orderId, 'cancelled')]);
    await payment.answered(2);
    expect(payment.toldOf(orderId)).toEqual(['PaymentProcessed', 'PaymentRefunded']);
    expect(await payment.moneyTaken()).toBe(0);
  });

  it('when the service stops while the gateway does not answer, then the next start asks again at once, and the money is taken once', async () => {
    const [first] = await payment.start(1, { PAYMENT_GATEWAY_TIMEOUT_MS: '60000' });
    const orderId = await confirmedOrder(10.17);
    await payment.called(1);
    await first?.lifecycle.stop();
    await payment.start(1);
    await payment.answered(1);
    expect(payment.toldOf(orderId)).toEqual(['PaymentProcessed']);
    expect(await payment.moneyTaken()).toBe(1017);
  });

  it('when copies, reordered messages and cancellations race through two instances, then the money taken is that of the orders that stand', async () => {
    await payment.start(2, { PREFETCH: '7', MAX_BATCH: '3' });
    const cents = [0, 13, 17, 19, 50];
    const orders = Array.from({ length: 60 }, (_, at) => {
      const created = orderCreated(10 + (cents[at % cents.length] as number) / 100);
      const { id } = created.data;
      const story: EventEnvelope[] = [created, orderUpdated(id, 'confirmed')];
      if (at % 3 === 0) story.push(orderUpdated(id, 'cancelled'));
      return { id, cents: Math.round((created.data.totalAmount ?? 0) * 100), cancelled: at % 3 === 0, story };
    });
    const messages = orders.flatMap(({ story }) => story);
    // Each twice, every third order backwards, and all orders mixed.
    const rounds = [0, 1, 2].map((round) =>
      orders
        .map(({ story }, at) => (at % 4 === 1 ? story.toReversed() : story)[round])
        .filter((one) => one !== undefined),
    );
    await payment.publish([...rounds.flat(), ...messages]);
    await payment.settled(messages.length);
    const stands = (order: (typeof orders)[number]) => !order.cancelled && order.cents % 100 !== 13;
    const expected = orders.filter(stands).reduce((sum, order) => sum + order.cents, 0);
    expect(await payment.moneyTaken()).toBe(expected);
    const [doubled] = await payment.select<{ count: string }>(
      `SELECT count(*) FROM (SELECT order_id, kind FROM simulated_ledger GROUP BY 1, 2 HAVING count(*) > 1) AS twice`,
    );
    expect(Number(doubled?.count)).toBe(0);
    const net = await payment.select(
      `SELECT aggregate_id FROM log WHERE type IN ('PaymentProcessed', 'PaymentRefunded')
        GROUP BY 1 HAVING count(*) FILTER (WHERE type = 'PaymentProcessed') > count(*) FILTER (WHERE type = 'PaymentRefunded')`,
    );
    expect(net).toHaveLength(orders.filter(stands).length);
  });
});
