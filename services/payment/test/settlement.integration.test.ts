import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { archiveRule } from '@warren/event-store';
import { createTestDatabase, type TestDatabase, waitUntil } from '@warren/testing';
import { createOpenPayments } from '../src/application/open-payments.ts';
import type { ChargeRequest, PaymentGateway, RefundRequest } from '../src/application/payment-gateway.ts';
import { type ChargeAnswer, payment } from '../src/domain/payment.ts';
import { orderCreated, orderUpdated } from './messages.ts';
import { createPaymentOnPostgres, type PaymentOnPostgres } from './payment-on-postgres.ts';

let database: TestDatabase;
let payments: PaymentOnPostgres;
let gateway: RecordingGateway;

beforeEach(async () => {
  database = await createTestDatabase();
  gateway = createRecordingGateway();
  payments = await createPaymentOnPostgres(database.url, gateway);
});
afterEach(async () => {
  await payments.stop();
  await database.drop();
});

interface RecordingGateway extends PaymentGateway {
  charges: ChargeRequest[];
  refunds: RefundRequest[];
  answer: ChargeAnswer;
  /** Called before a charge is answered. */
  meanwhile(): Promise<void>;
}

function createRecordingGateway(): RecordingGateway {
  const recording: RecordingGateway = {
    charges: [],
    refunds: [],
    answer: { status: 'accepted', paymentId: 'p-1' },
    meanwhile: async () => undefined,
    async charge(request) {
      recording.charges.push(request);
      await recording.meanwhile();
      return [recording.answer];
    },
    async refund(request) {
      recording.refunds.push(request);
    },
  };
  return recording;
}

const typesOf = async (orderId: string): Promise<string[]> => {
  const text = 'SELECT type FROM log WHERE aggregate_id = $1 ORDER BY stream_version';
  return (await payments.log.query<{ type: string }>(text, [orderId])).rows.map(({ type }) => type);
};
const openPayments = async (): Promise<string[]> =>
  (await payments.log.query<{ order_id: string }>('SELECT order_id FROM open_payment')).rows.map((row) => row.order_id);

async function confirmedOrder(): Promise<string> {
  const created = orderCreated(20.4);
  const { id } = created.data;
  await payments.takeOrderEvents([created, orderUpdated(id, 'confirmed')]);
  return id;
}

describe('settling a payment', () => {
  it('when the order is confirmed, then the intent is stored before the gateway is asked, and the gateway is asked outside', async () => {
    const orderId = await confirmedOrder();
    expect(gateway.charges).toEqual([]);
    expect(await typesOf(orderId)).toEqual(['PaymentPlanned', 'ChargeRequested']);
    expect(await openPayments()).toEqual([orderId]);
    const transactions = `SELECT count(*) AS open FROM pg_stat_activity
      WHERE datname = current_database() AND backend_type = 'client backend' AND xact_start IS NOT NULL AND pid <> pg_backend_pid()`;
    let open = Number.NaN;
    gateway.meanwhile = async () => {
      open = Number((await payments.log.query<{ open: string }>(transactions)).rows[0]?.open);
    };
    await payments.settlePayment(orderId);
    expect(open).toBe(0);
    expect(await openPayments()).toEqual([]);
  });

  it('when the process dies between the answer and its record, then the next one asks under the same key and records it once', async () => {
    const orderId = await confirmedOrder();
    await expect(payments.settleAndDie(orderId)).rejects.toThrow('the process died');
    expect(await openPayments()).toEqual([orderId]);
    await payments.settlePayment(orderId);
    expect(gateway.charges.map(({ idempotencyKey }) => idempotencyKey)).toEqual([orderId, orderId]);
    expect(await typesOf(orderId)).toEqual(['PaymentPlanned', 'ChargeRequested', 'PaymentProcessed']);
  });

  it('when the process dies between a refund and its record, then the next one asks under the same key', async () => {
    const orderId = await confirmedOrder();
    await payments.settlePayment(orderId);
    await payments.takeOrderEvents([orderUpdated(orderId, 'cancelled')]);
    await expect(payments.settleAndDie(orderId)).rejects.toThrow('the process died');
    await payments.settlePayment(orderId);
    const request = { orderId, amount: 20.4, currency: 'EUR', paymentId: 'p-1', idempotencyKey: `refund-${orderId}` };
    expect(gateway.refunds).toEqual([request, request]);
    expect((await typesOf(orderId)).slice(2)).toEqual(['PaymentProcessed', 'RefundRequested', 'PaymentRefunded']);
    expect(await openPayments()).toEqual([]);
  });

  it('when two settle the same payment at the same moment, then the outcome is recorded once', async () => {
    const orderId = await confirmedOrder();
    await Promise.all([payments.settlePayment(orderId), payments.settlePayment(orderId)]);
    expect(new Set(gateway.charges.map(({ idempotencyKey }) => idempotencyKey))).toEqual(new Set([orderId]));
    expect(await typesOf(orderId)).toEqual(['PaymentPlanned', 'ChargeRequested', 'PaymentProcessed']);
  });

  it('when the order is cancelled while the gateway is asked, then the payment stays open for the refund', async () => {
    const orderId = await confirmedOrder();
    gateway.meanwhile = () => payments.takeOrderEvents([orderUpdated(orderId, 'cancelled')]);
    await payments.settlePayment(orderId);
    expect((await typesOf(orderId)).slice(2)).toEqual(['RefundPlanned', 'PaymentProcessed', 'RefundRequested']);
    expect(await openPayments()).toEqual([orderId]);
    await payments.settlePayment(orderId);
    expect(gateway.refunds).toHaveLength(1);
    expect(await openPayments()).toEqual([]);
  });

  it('when the order is cancelled and then declined, then nothing is left to do', async () => {
    const orderId = await confirmedOrder();
    gateway.answer = { status: 'declined', reason: 'no money' };
    await payments.takeOrderEvents([orderUpdated(orderId, 'cancelled')]);
    await payments.settlePayment(orderId);
    expect((await typesOf(orderId)).slice(2)).toEqual(['RefundPlanned', 'PaymentFailed']);
    expect(await openPayments()).toEqual([]);
  });

  it('when there is nothing to ask, then the gateway is not asked', async () => {
    const created = orderCreated(20.4);
    await payments.takeOrderEvents([created]);
    await payments.settlePayment(created.data.id);
    expect(gateway.charges).toEqual([]);
  });

  it('when a paid order is in the archive, then its cancellation refunds it all the same', async () => {
    const orderId = await confirmedOrder();
    await payments.settlePayment(orderId);
    const rule = archiveRule({ endedBy: payment.ends, keepMs: 0 });
    const archive = () => payments.log.transaction((tx) => rule.takeBatch(tx, { size: 100, after: 0 }));
    await waitUntil(async () => (await archive()).streams === 1, { what: 'the payment to be archived' });
    await payments.takeOrderEvents([orderUpdated(orderId, 'cancelled')]);
    await payments.settlePayment(orderId);
    expect(gateway.refunds).toHaveLength(1);
  });
});

describe('the payments that are open', () => {
  it('when one is put off again and again, then each rest is twice as long', async () => {
    const orderId = await confirmedOrder();
    const open = createOpenPayments(payments.store, 10_000);
    const rests: number[] = [];
    for (let tries = 0; tries < 5; tries += 1) {
      await open.postpone(orderId);
      const text = 'SELECT extract(epoch FROM due_at - now())::float8 AS seconds FROM open_payment';
      rests.push(Math.ceil((await payments.log.query<{ seconds: number }>(text)).rows[0]?.seconds ?? 0));
    }
    expect(rests).toEqual([10, 20, 40, 60, 60]);
    expect(await open.listDue({ limit: 10, except: [] })).toEqual([]);
    expect(await open.oldestAgeSeconds()).toBeGreaterThan(0);
  });

  it('when some are in hand, then the others are given, the longest due first', async () => {
    const orderIds = [await confirmedOrder(), await confirmedOrder(), await confirmedOrder()];
    const open = createOpenPayments(payments.store, 10);
    expect(await open.listDue({ limit: 2, except: [] })).toEqual(orderIds.slice(0, 2));
    expect(await open.listDue({ limit: 5, except: orderIds.slice(0, 1) })).toEqual(orderIds.slice(1));
  });
});
