import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type EventEnvelope, QUEUES } from '@warren/contracts';
import { startSpanCollector, waitUntil } from '@warren/testing';
import { orderCreated, orderUpdated } from './messages.ts';
import { createPaymentFixture, type PaymentFixture } from './running-payment.ts';

let payment: PaymentFixture;
beforeAll(async () => {
  payment = await createPaymentFixture();
  await payment.start(2, { PREFETCH: '7', MAX_BATCH: '3' });
});
afterAll(() => payment.close());

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';
const traced = { traceparent: `00-${traceId}-${spanId}-01`, tracestate: 'a=1' };

/** An order of this total, told of and confirmed. */
async function confirmedOrder(total: number | undefined): Promise<string> {
  const created = orderCreated(total);
  await payment.publish([created, orderUpdated(created.data.id, 'confirmed')]);
  return created.data.id;
}

const typesOf = async (orderId: string, count: number): Promise<string[]> =>
  (await payment.told(orderId, count)).map(({ type }) => type);

describe('the payment service', () => {
  it('when an order is confirmed, then its total is charged once and that is told, caused by what it follows from and in its trace', async () => {
    const created = orderCreated(20.4);
    const { id: orderId } = created.data;
    const confirmed = orderUpdated(orderId, 'confirmed');
    Object.assign(confirmed.metadata, traced, { correlationId: created.metadata.correlationId });
    await payment.publish([created]);
    await payment.settled();
    await payment.publish([confirmed]);
    const [event] = await payment.told(orderId, 1);
    expect(event).toMatchObject({
      type: 'PaymentProcessed',
      data: { orderId, amount: 20.4, currency: 'EUR', paymentId: `simulated-${orderId}` },
      metadata: { ...traced, correlationId: created.metadata.correlationId, source: 'payment' },
    });
    expect(await payment.ledger(orderId)).toEqual([{ kind: 'charge', amount: '20.40', calls: 1 }]);
    const text = 'SELECT type, event_id AS id, metadata FROM log WHERE aggregate_id = $1 ORDER BY stream_version';
    const story = await payment.select<{ type: string; id: string; metadata: object }>(text, [orderId]);
    expect(story.map(({ type }) => type)).toEqual(['PaymentPlanned', 'ChargeRequested', 'PaymentProcessed']);
    expect(story[1]?.metadata).toMatchObject({ causationId: confirmed.id });
    expect(event?.metadata).toMatchObject({ causationId: story[1]?.id });
  });

  it('when spans are recorded, then the trace leads through the time in which the gateway was asked', async () => {
    const created = orderCreated(10.17);
    await payment.publish([created]);
    await payment.settled();
    const collector = await startSpanCollector();
    try {
      const confirmed = orderUpdated(created.data.id, 'confirmed');
      Object.assign(confirmed.metadata, traced);
      await payment.publish([confirmed]);
      const path = [
        'send orders:order.updated',
        `process orders:order.updated:${QUEUES.paymentOrders}`,
        'send payments:payment.processed',
        `process payments:payment.processed:${QUEUES.orderPayments}`,
      ];
      const named = (name: string) =>
        collector.spans().find((span) => span.name === name && span.spanContext().traceId === traceId);
      await waitUntil(() => path.every(named), { what: 'the spans' });
      const ids = path.map((name) => named(name)?.spanContext().spanId);
      expect(path.map((name) => named(name)?.parentSpanContext?.spanId)).toEqual([spanId, ...ids.slice(0, -1)]);
    } finally {
      await collector.stop();
    }
  });

  it('when the gateway declines, then that is told with the reason, and nothing is taken', async () => {
    const orderId = await confirmedOrder(10.13);
    expect(await payment.told(orderId, 1)).toMatchObject([
      { type: 'PaymentFailed', data: { orderId, amount: 10.13, currency: 'EUR', reason: 'the card was declined' } },
    ]);
    expect(await payment.ledger(orderId)).toMatchObject([{ kind: 'decline' }]);
  });

  it('when the gateway does not answer twice, then it is asked again under the same key and the money is taken once', async () => {
    const orderId = await confirmedOrder(10.17);
    expect(await typesOf(orderId, 1)).toEqual(['PaymentProcessed']);
    expect(await payment.ledger(orderId)).toEqual([{ kind: 'charge', amount: '10.17', calls: 3 }]);
  });

  it('when the gateway answers twice, then that is told once', async () => {
    const orderId = await confirmedOrder(10.19);
    await payment.settled();
    const ignored = { aggregate: 'payment', input: 'ChargeAnswered', outcome: 'ignored' };
    await waitUntil(async () => (await payment.counted('warren_decisions_total', ignored)) === 1, {
      what: 'the second answer to be ignored',
    });
    expect(await typesOf(orderId, 1)).toEqual(['PaymentProcessed']);
  });

  it('when an order has no total, then it is paid without the gateway', async () => {
    const orderId = await confirmedOrder(undefined);
    expect(await payment.told(orderId, 1)).toMatchObject([{ type: 'PaymentProcessed', data: { orderId, amount: 0 } }]);
    expect(await payment.ledger(orderId)).toEqual([]);
  });

  it('when an order was placed where no payments are taken, then nothing is taken', async () => {
    const created = orderCreated(10, { toBePaid: false });
    await payment.publish([created, orderUpdated(created.data.id, 'confirmed')]);
    await payment.settled();
    expect(await payment.ledger(created.data.id)).toEqual([]);
  });

  it('when a paid order is cancelled, then its charge is given back, once', async () => {
    const orderId = await confirmedOrder(20.4);
    await payment.told(orderId, 1);
    const cancelled = orderUpdated(orderId, 'cancelled');
    await payment.publish([cancelled, cancelled, orderUpdated(orderId, 'cancelled')]);
    const data = { orderId, amount: 20.4, currency: 'EUR', paymentId: `simulated-${orderId}` };
    expect((await payment.told(orderId, 2))[1]).toMatchObject({ type: 'PaymentRefunded', data });
    await payment.settled();
    expect(await typesOf(orderId, 2)).toEqual(['PaymentProcessed', 'PaymentRefunded']);
    expect(await payment.ledger(orderId)).toEqual([
      { kind: 'charge', amount: '20.40', calls: 1 },
      { kind: 'refund', amount: '20.40', calls: 1 },
    ]);
  });

  it('when copies, reordered messages and cancellations race through two instances, then the money taken is that of the orders that stand', async () => {
    const before = await payment.moneyTaken();
    const cents = [0, 13, 17, 19, 50];
    const orders = Array.from({ length: 60 }, (_, at) => {
      const total = 1000 + (cents[at % cents.length] as number);
      const created = orderCreated(total / 100);
      const { id } = created.data;
      const story: EventEnvelope[] = [created, orderUpdated(id, 'confirmed')];
      const cancelled = at % 3 === 0;
      if (cancelled) story.push(orderUpdated(id, 'cancelled'));
      return { id, stands: !cancelled && total !== 1013, total, story: at % 4 === 1 ? story.toReversed() : story };
    });
    const rounds = [0, 1, 2].map((round) => orders.flatMap(({ story }) => story.slice(round, round + 1)));
    await payment.publish([...rounds.flat(), ...orders.flatMap(({ story }) => story)]);
    await payment.settled();
    const standing = orders.filter(({ stands }) => stands);
    expect((await payment.moneyTaken()) - before).toBe(standing.reduce((sum, { total }) => sum + total, 0));
    for (const { id } of standing) expect(await typesOf(id, 1)).toEqual(['PaymentProcessed']);
  });
});
