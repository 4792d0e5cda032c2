import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OrderStatusUpdated } from '@shop/events/order';
import type { OrderView } from '@shop/events/order-view';
import { PaymentProcessed } from '@shop/events/payment';
import { UserRegistered } from '@shop/events/user';
import { createEvent } from '@warren/contracts';
import { createId } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import { leaveOrderOfRelease01, RELEASE_0_1_ORDER } from '../../services/order/test/release-0-1.ts';
import { traced } from './traced.ts';
import { STOCK, startWholeSystem, type WholeSystem } from './whole-system.ts';

let system: WholeSystem;
beforeAll(async () => {
  system = await startWholeSystem();
});
afterAll(() => system?.close());

type Answer<Body> = { status: number; body: Body & { code?: string } };
type Head = Record<string, string>;

async function call<Body>(url: string, body?: object, head: Head = {}): Promise<Answer<Body>> {
  const post = { method: 'POST', headers: { 'content-type': 'application/json', ...head }, body: JSON.stringify(body) };
  const response = await fetch(url, body && post);
  return { status: response.status, body: (await response.json()) as Answer<Body>['body'] };
}

async function register() {
  const user = { email: `u-${createId()}@example.com`, name: 'John Doe' };
  const { status, body } = await call<{ id: string }>(`${system.urls.user()}/users`, user);
  expect(status).toBe(201);
  return { ...user, id: body.id };
}

async function place(customerId: string, price?: number, head?: Head): Promise<string> {
  const items = [{ productId: 'item1', quantity: 1, ...(price !== undefined && { price }) }];
  return (await call<OrderView>(`${system.urls.order()}/orders`, { customerId, items }, head)).body.id;
}

const find = async (id: string) => (await call<OrderView>(`${system.urls.order()}/orders/${id}`)).body;
const cancel = (id: string) => call<OrderView>(`${system.urls.order()}/orders/${id}/cancel`, {});
const ship = (id: string, head?: Head) => call<OrderView>(`${system.urls.order()}/orders/${id}/ship`, {}, head);
const becomes = (id: string, paymentStatus: string) =>
  waitUntil(
    async () => {
      const order = await find(id);
      return order.paymentStatus === paymentStatus ? order : undefined;
    },
    { what: `order ${id} to be ${paymentStatus}` },
  );

/** Subjects of the mails to an address, without the id of the order that they are about. */
const subjectsTo = async (email: string, orderId: string) =>
  (await system.mailsTo(email)).map(({ subject }) => subject.replace(orderId, '…'));
const mailed = (email: string, subject: string) =>
  waitUntil(async () => (await system.mailsTo(email)).find((mail) => mail.subject === subject), { what: subject });
/** The events that the mails about an order consist of. */
const mailEvents = async (orderId: string): Promise<string[]> => {
  const text = 'SELECT type FROM notification_service.log WHERE aggregate_id = $1 ORDER BY type';
  return (await system.select<{ type: string }>(text, [orderId])).map(({ type }) => type);
};
/** Resolves when so many mails about an order were asked for. */
const askedFor = (orderId: string, count: number) =>
  waitUntil(async () => (await mailEvents(orderId)).filter((type) => type === 'MailRequested').length === count, {
    what: `${count} mails about ${orderId} to be asked for`,
  });

interface Figures {
  byType: Record<string, number>;
  orders: { created: number; confirmed: number; cancelled: number };
  revenue: Record<string, number>;
}
const figures = async () =>
  (await call<Figures>(`${system.urls.analytics()}/analytics/summary?from=2025-01-01T00:00:00Z`)).body;

/** What the gateway holds, by its own books, and what the orders say it should, in cents; what is sold, also unpaid; and the free stock. */
async function balance() {
  const [row] = await system.select<
    Record<'taken' | 'paid' | 'sold' | 'orders' | 'pieces' | 'free' | 'open' | 'untold', number>
  >(`SELECT
    (SELECT coalesce(sum(CASE kind WHEN 'charge' THEN amount WHEN 'refund' THEN -amount ELSE 0 END), 0) * 100
       FROM payment_service.simulated_ledger)::int AS taken,
    (SELECT coalesce(sum(total_amount), 0) * 100 FROM order_service.orders
      WHERE status = 'confirmed' AND payment_status = 'paid')::int AS paid,
    (SELECT coalesce(sum(total_amount), 0) * 100 FROM order_service.orders WHERE status = 'confirmed')::int AS sold,
    (SELECT count(*) FROM order_service.orders)::int AS orders,
    (SELECT coalesce(sum((line->>'quantity')::int), 0) FROM order_service.orders, json_array_elements(items) AS line
      WHERE status = 'confirmed')::int AS pieces,
    (SELECT available FROM inventory_service.stock_level)::int AS free,
    (SELECT count(*) FROM payment_service.open_payment)::int AS open,
    ((SELECT count(*) FROM payment_service.log WHERE type = 'PaymentRefunded')
      - (SELECT count(*) FROM order_service.orders WHERE payment_status = 'refunded'))::int AS untold`);
  if (!row) throw new Error('no row');
  return row;
}

/** Resolves when the money taken is that of the orders that are paid, all stock but theirs is free, and the figures count what is sold. */
const balanced = () =>
  waitUntil(
    async () => {
      const { taken, paid, sold, orders, pieces, free, open, untold } = await balance();
      const { orders: counted, byType, revenue } = await figures();
      const revenueCents = Math.round((revenue.USD ?? 0) * 100);
      const isMoneyRight = taken === paid && revenueCents === sold && open + untold === 0;
      const isCounted = counted.created === orders && byType.OrderCreated === orders;
      if (isMoneyRight && free === STOCK - pieces && isCounted) return true;
      const money = `${taken} taken, ${paid} paid, ${revenueCents} of ${sold} counted, ${open} open, ${untold} refunds untold`;
      throw new Error(
        `${money}; ${free} free beside ${pieces} sold, ${counted.created} (${byType.OrderCreated}) of ${orders} counted`,
      );
    },
    { what: 'money, stock and figures to agree with the orders' },
  );

describe('an order of a user', () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const head = { 'X-Correlation-Id': 'request-1', traceparent: `00-${traceId}-00f067aa0ba902b7-01` };

  it('when it is paid and shipped, then mails tell of each step, the figures count it, and one trace leads through all services', async () => {
    const { id: userId, email, name } = await register();
    const id = await place(userId, 10, head);
    expect(await becomes(id, 'paid')).toMatchObject({ status: 'confirmed', fulfillmentStatus: 'unfulfilled' });
    await askedFor(id, 1);
    await mailed(email, `Welcome, ${name}`);
    await system.letMailsGo();
    expect((await mailed(email, `Your order ${id} is confirmed`)).text).toContain('Total: 10.00 USD');
    expect(await ship(id, head)).toMatchObject({ status: 200, body: { fulfillmentStatus: 'shipped' } });
    await mailed(email, `Your order ${id} is shipped`);
    expect(await cancel(id)).toMatchObject({ status: 409, body: { code: 'ORDER_SHIPPED' } });
    expect(await subjectsTo(email, id)).toEqual([
      ...[`Welcome, ${name}`, 'Your order … is confirmed', 'Your order … is shipped'],
    ]);
    await balanced();
    expect((await figures()).orders).toEqual({ created: 1, confirmed: 1, cancelled: 0 });

    const told = () => system.published.filter(({ aggregateId }) => aggregateId === id);
    await waitUntil(() => told().filter(({ type }) => type === 'CustomerNotified').length === 2);
    expect(new Set(told().map(({ metadata }) => metadata.source))).toEqual(
      new Set(['order', 'inventory', 'payment', 'notification']),
    );
    for (const { metadata } of told()) {
      expect(metadata.correlationId).toBe('request-1');
      expect(metadata.causationId).toMatch(/^([0-9a-f-]{36}|request-1)$/);
      expect(metadata.traceparent).toContain(traceId);
    }
    const trace = await traced('request-1', system.databaseUrl);
    expect(trace.head).toBe(`request  request-1\ntrace    ${traceId}`);
    const confirmed = 'order:OrderCreated → inventory:InventoryReserved → order:OrderConfirmed';
    // Payment may hear of the confirmation first: then it charges once it has heard of the order.
    const isEarly = trace.paths.includes(`${confirmed} → payment:ConfirmedEarly`);
    const heard = isEarly ? `${confirmed} → payment:ConfirmedEarly` : 'order:OrderCreated → payment:PaymentPlanned';
    const charged = `${isEarly ? 'order:OrderCreated' : confirmed} → payment:ChargeRequested`;
    expect(trace.paths.toSorted()).toEqual(
      [
        'order:OrderCreated',
        heard,
        'order:OrderCreated → inventory:InventoryReserved',
        confirmed,
        `${confirmed} → notification:MailRequested`,
        `${confirmed} → notification:MailRequested → notification:CustomerNotified`,
        charged,
        `${charged} → payment:PaymentProcessed`,
        `${charged} → payment:PaymentProcessed → order:OrderPaid`,
        'order:OrderShipped',
        'order:OrderShipped → notification:MailRequested',
        'order:OrderShipped → notification:MailRequested → notification:CustomerNotified',
      ].toSorted(),
    );
  });

  it('when its payment is declined, then it is cancelled, its stock is free again, and the one mail about it says why', async () => {
    const { id: userId, email, name } = await register();
    const { free } = await balance();
    const id = await place(userId, 10.13);
    const reason = 'payment declined: the card was declined';
    expect(await becomes(id, 'declined')).toMatchObject({ status: 'cancelled', reason });
    expect((await ship(id)).status).toBe(409);
    await askedFor(id, 2);
    await system.letMailsGo();
    const told = ['CustomerNotified', 'MailDropped', 'MailRequested', 'MailRequested'];
    await waitUntil(async () => (await mailEvents(id)).length === told.length, { what: 'the mails to have ended' });
    expect(await mailEvents(id)).toEqual(told);
    expect(await subjectsTo(email, id)).toEqual([`Welcome, ${name}`, 'Your order … is cancelled']);
    expect((await mailed(email, `Your order ${id} is cancelled`)).text).toContain(`Reason: ${reason}`);
    await balanced();
    expect((await balance()).free).toBe(free);
  });

  it('when it is cancelled after it was paid, then its money is given back and its stock is free again', async () => {
    const id = await place('c', 10);
    await becomes(id, 'paid');
    expect(await cancel(id)).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    await becomes(id, 'refunded');
    await balanced();
  });

  it('when the gateway is slow, answers twice, or has nothing to charge, then each order is paid once', async () => {
    const ids = [await place('c', 10.17), await place('c', 10.19), await place('c')];
    for (const id of ids) expect(await becomes(id, 'paid')).toMatchObject({ status: 'confirmed', version: 3 });
    await balanced();
  });
});

/** Which mail about an order its customer has in the end, when none was let go before. */
const newsOf = ({ id, status, fulfillmentStatus }: OrderView) =>
  `Your order ${id} is ${fulfillmentStatus === 'shipped' ? 'shipped' : status}`;

/** Lets the mails about orders go once each order's last one is asked for, and resolves when all have come to their ends. */
async function mailsEnded(orders: readonly OrderView[]): Promise<void> {
  const wanted = orders.map(newsOf);
  const missing = async () => {
    const requests = await system.select<{ subject: string }>(
      `SELECT 'Your order ' || aggregate_id || ' is ' || (data->>'kind') AS subject
         FROM notification_service.log WHERE type = 'MailRequested'`,
    );
    return wanted.filter((subject) => !requests.some((request) => request.subject === subject));
  };
  await waitUntil(async () => (await missing()).length === 0, { what: 'the last mail of each order to be asked for' });
  const open = async () => {
    await system.letMailsGo();
    const text = 'SELECT FROM notification_service.mail WHERE subject_id = ANY($1)';
    return (await system.select(text, [orders.map(({ id }) => id)])).length;
  };
  await waitUntil(async () => (await open()) === 0, { what: 'the mails to have ended' });
}

describe('orders of every kind at once', () => {
  it('when they are cancelled or shipped at any moment, and every message comes again, then money, stock, figures and mails agree', async () => {
    const { id: userId, email, name } = await register();
    const cents = [0, 0.13, 0.17, 0.19];
    const one = async (at: number) => {
      const id = await place(userId, 10 + (cents[at % cents.length] as number));
      if (at % 3 === 0) await cancel(id);
      if (at % 5 === 0) await ship(id);
      if (at % 7 === 0) await cancel(id);
      return id;
    };
    const ids = await Promise.all(Array.from({ length: 40 }, (_, at) => one(at)));
    const ofThem = () =>
      system.published.filter(({ aggregateId }) => aggregateId === userId || ids.includes(aggregateId));
    await system.bus.publishAll(ofThem().toReversed() as never);
    const settled = async () => {
      const found = await Promise.all(ids.map(find));
      return found.every(({ status, paymentStatus }) => status === 'cancelled' || paymentStatus === 'paid');
    };
    await waitUntil(settled, { what: 'every order to be paid or cancelled' });
    await Promise.all(ids.filter((_, at) => at % 4 === 2).map((id) => ship(id)));
    await balanced();
    const ended = await Promise.all(ids.map(find));
    expect(new Set(ended.map(newsOf).map((subject) => subject.split(' ').at(-1))).size).toBe(3);
    await mailsEnded(ended);

    // Once more, when all is over, also under new ids.
    const [id = ''] = ids;
    const update = { orderId: id, status: 'confirmed', updatedAt: new Date().toISOString() } as const;
    const payment = { orderId: id, amount: 10, currency: 'USD' };
    const before = await balance();
    await system.bus.publishAll([
      ...ofThem(),
      createEvent(OrderStatusUpdated, { aggregateId: id, source: 'test', data: update }),
      createEvent(PaymentProcessed, { aggregateId: id, source: 'test', data: payment }),
    ] as never);
    const last = await becomes(await place(userId, 10), 'paid');
    await balanced();
    expect((await balance()).taken).toBe(before.taken + 1000);
    expect(await Promise.all(ids.map(find))).toEqual(ended);
    await mailsEnded([last]);
    const subjects = (await system.mailsTo(email)).map(({ subject }) => subject);
    expect(subjects.toSorted()).toEqual([`Welcome, ${name}`, ...[...ended, last].map(newsOf)].toSorted());
  });
});

describe('an order that release 0.1 has left', () => {
  it('when today’s services run, then all of them take it as it is: it is confirmed, mailed about and counted in US dollars, and not charged', async () => {
    const { id, customer_id: userId } = RELEASE_0_1_ORDER.row;
    const data = { userId, email: 'customer-1@example.com', name: 'John Doe' };
    await system.bus.publish(createEvent(UserRegistered, { aggregateId: userId, source: 'test', data }));
    const { revenue } = await figures();
    await leaveOrderOfRelease01(system.databaseUrl);
    const order = await waitUntil(async () => {
      const found = await find(id);
      return found.status === 'confirmed' ? found : undefined;
    });
    expect(order).toMatchObject({ currency: 'USD', version: 2 });
    expect(order).not.toHaveProperty('paymentStatus');
    await mailsEnded([order]);
    expect((await mailed(data.email, `Your order ${id} is confirmed`)).text).toContain('Total: 20.00 USD');
    await balanced();
    expect((await figures()).revenue.USD).toBeCloseTo((revenue.USD ?? 0) + 20);
    const ofPayment = "SELECT FROM payment_service.log WHERE aggregate_id = $1 AND type = 'PaymentDropped'";
    await waitUntil(async () => (await system.select(ofPayment, [id])).length === 1, { what: 'payment to take it' });
    expect(await system.select('SELECT FROM payment_service.simulated_ledger WHERE order_id = $1', [id])).toEqual([]);
  });
});
