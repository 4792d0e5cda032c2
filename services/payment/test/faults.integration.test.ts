import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RunnableService } from '@warren/service';
import { waitUntil, waitUntilReady } from '@warren/testing';
import { orderCreated, orderUpdated } from './messages.ts';
import { createPaymentFixture, type PaymentFixture } from './running-payment.ts';

let payment: PaymentFixture;
beforeEach(async () => {
  payment = await createPaymentFixture();
});
afterEach(() => payment.close());

async function confirmedOrder(total: number): Promise<string> {
  const created = orderCreated(total);
  await payment.publish([created, orderUpdated(created.data.id, 'confirmed')]);
  return created.data.id;
}

const waitUntilCalled = (orderId: string) =>
  waitUntil(async () => (await payment.ledger(orderId)).length === 1, { what: 'a call of the gateway' });

describe('a payment service that stops', () => {
  it('when the gateway has not answered, then the next one asks again at once, and the money is taken once', async () => {
    const services = await payment.start(2, { PAYMENT_GATEWAY_TIMEOUT_MS: '600000', RETRY_BASE_MS: '600000' });
    const orderId = await confirmedOrder(10.17);
    await waitUntilCalled(orderId);
    for (const service of await byLeadership(services)) await service.lifecycle.stop();
    await payment.start(1);
    await payment.told(orderId, 1);
    expect(await payment.moneyTaken()).toBe(1017);
  });

  it('when an order is cancelled while the gateway does not answer, then what it has taken is given back', async () => {
    await payment.start(1, { PAYMENT_GATEWAY_TIMEOUT_MS: '600000' });
    const orderId = await confirmedOrder(10.17);
    await waitUntilCalled(orderId);
    await payment.publish([orderUpdated(orderId, 'cancelled')]);
    const isKnown = async () => (await payment.select(`SELECT FROM log WHERE type = 'RefundPlanned'`)).length === 1;
    await waitUntil(isKnown, { what: 'the cancellation' });
    await payment.restart();
    expect((await payment.told(orderId, 2)).map(({ type }) => type)).toEqual(['PaymentProcessed', 'PaymentRefunded']);
    expect(await payment.moneyTaken()).toBe(0);
  });
});

/** Whoever leads first. */
async function byLeadership(services: RunnableService[]): Promise<RunnableService[]> {
  const states = await Promise.all(
    services.map(async ({ lifecycle }) => (await lifecycle.readiness()).components.cashier),
  );
  return services.toSorted((one, other) => rank(one) - rank(other));
  function rank(service: RunnableService): number {
    return states[services.indexOf(service)]?.details?.state === 'leading' ? 0 : 1;
  }
}

describe('a gateway that is away', () => {
  let server: Server;
  let up: boolean;
  /** Calls that get no answer while it is silent. */
  let unanswered: number;
  let silent: boolean;
  const keys: unknown[] = [];
  beforeEach(async () => {
    up = false;
    silent = false;
    unanswered = 0;
    keys.length = 0;
    server = createServer((req, res) => {
      req.resume();
      if (silent) {
        unanswered += 1;
        return res;
      }
      if (!up) return res.writeHead(503).end();
      keys.push(req.headers['idempotency-key']);
      return res.writeHead(201).end(JSON.stringify({ id: `p-${req.headers['idempotency-key']}` }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('when it comes back, then readiness says both, and every order is charged once', async () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const settings = { PAYMENT_GATEWAY_URL: url, PAYMENT_GATEWAY_TIMEOUT_MS: '5000', BREAKER_RESET_MS: '500' };
    const [service] = (await payment.start(1, settings)) as [RunnableService];
    const orderIds = await Promise.all(Array.from({ length: 10 }, () => confirmedOrder(10)));
    const isLeftAlone = async () => {
      const { status, components } = await service.lifecycle.readiness();
      return (
        status === 'degraded' && components.cashier?.up === false && components.cashier.details?.gateway === 'open'
      );
    };
    await waitUntil(isLeftAlone, { what: 'the gateway to be left alone' });
    const metrics = await (await fetch(`http://127.0.0.1:${service.port}/metrics`)).text();
    const [, seconds] = /^warren_payment_unanswered_seconds(?:{.*})? (\S+)$/m.exec(metrics) ?? [];
    expect(Number(seconds)).toBeGreaterThan(0);
    up = true;
    for (const orderId of orderIds) await payment.told(orderId, 1);
    expect(keys.toSorted()).toEqual(orderIds.toSorted());
    await waitUntilReady(service);
  });

  it('when a call from before gets no answer, then it is tried again all the same', async () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const settings = { PAYMENT_GATEWAY_URL: url, PAYMENT_GATEWAY_TIMEOUT_MS: '600000', BREAKER_RESET_MS: '500' };
    const [service] = (await payment.start(1, settings)) as [RunnableService];
    silent = true;
    await confirmedOrder(10);
    await waitUntil(() => unanswered === 1, { what: 'the call without an answer' });
    silent = false;
    const orderIds = await Promise.all(Array.from({ length: 10 }, () => confirmedOrder(10)));
    const isLeftAlone = async () => (await service.lifecycle.readiness()).components.cashier?.up === false;
    await waitUntil(isLeftAlone, { what: 'the gateway to be left alone' });
    up = true;
    for (const orderId of orderIds) await payment.told(orderId, 1);
  });

  it('when it is silent as one call tries it again, then no other payment is put off for that', async () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const settings = { PAYMENT_GATEWAY_URL: url, PAYMENT_GATEWAY_TIMEOUT_MS: '600000', BREAKER_RESET_MS: '500' };
    const [service] = (await payment.start(1, settings)) as [RunnableService];
    for (let orders = 0; orders < 10; orders += 1) await confirmedOrder(10);
    // With nothing in hand: a call from before would be one more without an answer.
    const isLeftAlone = async () => {
      const { cashier } = (await service.lifecycle.readiness()).components;
      return cashier?.up === false && cashier.details?.inHand === 0;
    };
    await waitUntil(isLeftAlone, { what: 'the gateway to be left alone' });
    silent = true;
    await waitUntil(() => unanswered === 1, { what: 'the call that tries it' });
    const triesOf = async (orderId: string) =>
      (await payment.select<{ tries: number }>('SELECT tries FROM open_payment WHERE order_id = $1', [orderId]))[0]
        ?.tries;
    const later = await confirmedOrder(10);
    await waitUntil(async () => (await triesOf(later)) !== undefined, { what: 'a payment that is due' });
    const latest = await confirmedOrder(10);
    await waitUntil(async () => (await triesOf(latest)) !== undefined, { what: 'another one' });
    expect([await triesOf(later), unanswered]).toEqual([0, 1]);
  });
});
