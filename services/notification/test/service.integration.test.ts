import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CustomerNotified, WelcomeEmailSent } from '@shop/events/notification';
import { QUEUES } from '@shop/events/topology';
import type { EventEnvelope } from '@warren/contracts';
import { createId } from '@warren/kernel';
import { startSpanCollector, waitUntil } from '@warren/testing';
import { newOrder, newUser } from './messages.ts';
import { createNotificationFixture, type NotificationFixture } from './running-notification.ts';

let notification: NotificationFixture;
const published: EventEnvelope[] = [];
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';
const traced = { traceparent: `00-${traceId}-${spanId}-01`, tracestate: 'a=1' };

beforeAll(async () => {
  notification = await createNotificationFixture();
  await notification.start({ MAIL_HOLD_MS: '600000' });
  await notification.bus.subscribe({
    queue: 'test_notifications',
    bindings: [WelcomeEmailSent, CustomerNotified],
    handler: async (event) => void published.push(event),
  });
});
afterAll(() => notification?.close());

const mailsTo = (address: string) => notification.mailServer.to(address);
/** Everything that was asked for has come to its end, save what is held back or waits. */
const ended = (aggregateId: string, types: readonly string[]) =>
  waitUntil(async () => {
    const rows = await notification.select<{ type: string }>(
      'SELECT type FROM log WHERE aggregate_id = $1 ORDER BY position',
      [aggregateId],
    );
    const found = rows.map(({ type }) => type);
    if (types.every((type) => found.includes(type))) return found;
    throw new Error(`so far ${found.join(', ')}`);
  });
/** What is held back or waits is due now, as if it had been put off so often. */
const letTimePass = (subjectId: string, tries = 0) =>
  notification.select('UPDATE mail SET due_at = now(), tries = tries + $2 WHERE subject_id = $1', [subjectId, tries]);

describe('the notification service', () => {
  it('when a user registers, and that is told twice under two ids and three times under one, then one mail welcomes them', async () => {
    const user = newUser('Ann <b>O’Hara</b>');
    const registered = user.registered();
    Object.assign(registered.metadata, traced);
    await notification.publish(registered, registered, { ...registered, id: createId() }, registered);
    await ended(user.userId, ['WelcomeEmailSent']);
    await waitUntil(async () => (await notification.counted('warren_store_inbox_total', 'result="duplicate"')) >= 2);
    expect(await notification.waiting()).toBe(0);
    const [mail, ...others] = mailsTo(user.email);
    expect(others).toEqual([]);
    expect(mail?.messageId).toMatch(/^<[0-9a-f-]{36}@localhost>$/);
    expect(mail?.raw).toMatch(/^From: Warren <no-reply@localhost>$/m);
    expect(mail?.raw).toMatch(/^Auto-Submitted: auto-generated$/m);
    expect(mail?.raw).toContain('multipart/alternative');
    expect(mail?.raw).toContain('&lt;b&gt;');
    const event = await waitUntil(() => published.find(({ aggregateId }) => aggregateId === user.userId));
    const [requested] = await notification.select<{ event_id: string; metadata: { causationId: string } }>(
      `SELECT event_id, metadata FROM log WHERE aggregate_id = $1 AND type = 'MailRequested'`,
      [user.userId],
    );
    expect(event).toMatchObject({
      type: 'WelcomeEmailSent',
      data: { userId: user.userId, email: user.email },
      metadata: {
        ...traced,
        correlationId: registered.metadata.correlationId,
        causationId: requested?.event_id,
        source: 'notification',
      },
    });
    expect(requested?.metadata.causationId).toBe(registered.id);
  });

  it('when spans are recorded, then the trace leads through the time in which a mail was held back', async () => {
    const user = newUser();
    const order = newOrder(user.userId);
    await notification.publish(user.registered(), order.created());
    const collector = await startSpanCollector();
    try {
      const confirmed = order.confirmed();
      Object.assign(confirmed.metadata, traced);
      await notification.publish(confirmed);
      await letTimePass(order.orderId);
      const path = [
        'send orders:order.updated',
        `process orders:order.updated:${QUEUES.notificationOrders}`,
        'send notifications:notification.customer-notified',
        'process notifications:notification.customer-notified:test_notifications',
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

  it('when the end of an order comes before its creation, and both before its customer, then one mail tells of it', async () => {
    const user = newUser();
    const order = newOrder(user.userId);
    await notification.publish(order.cancelled('no stock & no hope'), order.cancelled(), order.created());
    await notification.publish(user.registered());
    await ended(user.userId, ['WelcomeEmailSent']);
    await letTimePass(order.orderId);
    await ended(order.orderId, ['MailRequested', 'CustomerNotified']);
    const about = mailsTo(user.email).filter(({ subject }) => subject.includes(order.orderId));
    expect(about.map(({ subject }) => subject)).toEqual([`Your order ${order.orderId} is cancelled`]);
    expect(about[0]?.raw).toContain('Reason: no stock & no hope');
    const event = await waitUntil(() => published.find(({ aggregateId }) => aggregateId === order.orderId));
    expect(event).toMatchObject({
      type: 'CustomerNotified',
      data: { customerId: user.userId, orderId: order.orderId, news: 'cancelled', email: user.email },
    });
  });

  it('when an order is confirmed, then its mail is held back for a while, and has the total', async () => {
    const user = newUser();
    const order = newOrder(user.userId);
    await notification.publish(user.registered(), order.created(), order.confirmed());
    const [held] = await notification.select(
      `SELECT extract(epoch FROM due_at - requested_at)::int AS seconds FROM mail WHERE subject_id = $1`,
      [order.orderId],
    );
    expect(held).toEqual({ seconds: 600 });
    await letTimePass(order.orderId);
    await ended(order.orderId, ['CustomerNotified']);
    const mail = mailsTo(user.email).find(({ subject }) => subject.includes('confirmed'));
    expect(mail?.raw).toContain('Total: 9.00 EUR');
  });

  it.each([
    ['shipped', 'Total: 9.00 EUR'],
    ['cancelled', 'Reason: out of stock'],
  ] as const)(
    'when an order is %s after the mail that it is confirmed is out, told under two ids and again, then one more mail says so',
    async (news, shown) => {
      const user = newUser();
      const order = newOrder(user.userId);
      await notification.publish(user.registered(), order.created(), order.confirmed());
      await letTimePass(order.orderId);
      await ended(order.orderId, ['CustomerNotified']);
      const message = order[news]();
      await notification.publish(message, order[news](), message);
      const told = () => published.filter(({ aggregateId }) => aggregateId === order.orderId);
      await waitUntil(() => told().length === 2, { what: 'the news of both' });
      expect(told()).toMatchObject([{ data: { news: 'confirmed' } }, { data: { news, email: user.email } }]);
      const mails = mailsTo(user.email).filter(({ subject }) => subject.includes(order.orderId));
      expect(mails.map(({ subject }) => subject)).toEqual([
        `Your order ${order.orderId} is confirmed`,
        `Your order ${order.orderId} is ${news}`,
      ]);
      expect(mails[1]?.raw).toContain(shown);
      expect(await notification.select('SELECT FROM mail WHERE subject_id = $1', [order.orderId])).toEqual([]);
    },
  );

  it.each([
    ['cancelled before the mail is out', ['created', 'confirmed', 'cancelled'], 'cancelled'],
    ['cancelled, and the messages change places', ['created', 'cancelled', 'confirmed'], 'cancelled'],
    ['shipped before the mail is out', ['created', 'confirmed', 'shipped'], 'shipped'],
    ['shipped, and the messages change places', ['shipped', 'confirmed', 'created'], 'shipped'],
  ] as const)('when a confirmed order is %s, then only the mail about that is sent', async (_, story, news) => {
    const user = newUser();
    const order = newOrder(user.userId);
    const before = await notification.counted('warren_notification_mails_total', 'outcome="overtaken"');
    await notification.publish(user.registered(), ...story.map((event) => order[event]()));
    await letTimePass(order.orderId);
    const types = await ended(order.orderId, ['CustomerNotified', 'MailDropped']);
    expect(types).toHaveLength(4);
    const subjects = mailsTo(user.email).map(({ subject }) => subject);
    expect(subjects.filter((subject) => subject.includes(order.orderId))).toEqual([
      `Your order ${order.orderId} is ${news}`,
    ]);
    expect(await notification.counted('warren_notification_mails_total', 'outcome="overtaken"')).toBe(before + 1);
  });

  it('when nobody knows the customer of an order, then its mail waits, and is dropped in the end, which is recorded', async () => {
    const order = newOrder(createId());
    await notification.publish(order.created(), order.cancelled());
    await waitUntil(async () => {
      const [row] = await notification.select<{ tries: number }>('SELECT tries FROM mail WHERE subject_id = $1', [
        order.orderId,
      ]);
      return row && row.tries >= 2;
    });
    await letTimePass(order.orderId, 20);
    await ended(order.orderId, ['MailDropped']);
    expect(await notification.counted('warren_notification_mails_total', 'outcome="unknown"')).toBe(1);
  });

  it('when a user has another address by then, told in whatever order, then the mail goes there', async () => {
    const user = newUser();
    const [registered, first, second] = [
      user.registered(),
      user.changed(`first-${user.email}`),
      user.changed(`second-${user.email}`),
    ];
    await notification.publish(second, first, registered);
    await ended(user.userId, ['WelcomeEmailSent']);
    expect(mailsTo(`second-${user.email}`)).toHaveLength(1);
    expect(notification.mailServer.tried).not.toContain(user.email);
    expect(notification.mailServer.tried).not.toContain(`first-${user.email}`);
  });

  it('when a user is deactivated by then, told in whatever order, then nothing is sent, and neither name nor address is kept', async () => {
    const user = newUser();
    const order = newOrder(user.userId);
    const registered = user.registered();
    await notification.publish(user.deactivated(), registered, order.created(), order.cancelled());
    await ended(user.userId, ['MailDropped']);
    await ended(order.orderId, ['MailDropped']);
    expect(notification.mailServer.tried).not.toContain(user.email);
    expect(await notification.select('SELECT name, email FROM known_user WHERE user_id = $1', [user.userId])).toEqual([
      { name: null, email: null },
    ]);
  });
});
