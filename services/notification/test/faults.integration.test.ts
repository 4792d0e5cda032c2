import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { QUEUES } from '@warren/contracts';
import type { RunnableService } from '@warren/service';
import { createTcpProxy, type TcpProxy, waitUntil } from '@warren/testing';
import { newUser } from './messages.ts';
import { createNotificationFixture, type NotificationFixture } from './running-notification.ts';

let notification: NotificationFixture;
let database: TcpProxy;

beforeEach(async () => {
  notification = await createNotificationFixture();
  database = await createTcpProxy(notification.database.url);
});
afterEach(async () => {
  database.refuse(false);
  await notification.close();
  await database.close();
});

const throughProxy = () => ({ DATABASE_URL: database.through(notification.database.url) });
const users = (count: number) => Array.from({ length: count }, () => newUser());
const mailsHealth = async (service: RunnableService) => {
  const { status, reasons } = await service.lifecycle.readiness();
  return { status, reasons: reasons.map(({ component }) => component) };
};
const logged = (type: string, count: number) =>
  waitUntil(async () => (await notification.logged()).filter((one) => one === type).length >= count, {
    what: `${count} ${type}`,
  });
const rolledBack = () => notification.counted('warren_store_transaction_seconds_count', 'outcome="rolled-back"');
/** As when the lease of a process that is no more has run out. */
const endLeases = () => notification.select('UPDATE mail SET due_at = now()');

describe('the notification service under faults', () => {
  it('when the mail server is away and comes back, then it is degraded, and every mail is sent once', async () => {
    const { mailServer } = notification;
    await mailServer.stop();
    const service = await notification.start();
    const crowd = users(12);
    await notification.publish(...crowd.map((user) => user.registered()));
    await waitUntil(async () => (await mailsHealth(service)).status === 'degraded', { what: 'degraded' });
    expect(await mailsHealth(service)).toEqual({ status: 'degraded', reasons: ['mails'] });
    expect(await notification.counted('warren_notification_mail_server_up')).toBe(0);
    expect(await notification.counted('warren_notification_mails_waiting')).toBe(12);
    await mailServer.start();
    await logged('WelcomeEmailSent', 12);
    expect(mailServer.mails.map(({ to }) => to).toSorted()).toEqual(crowd.map(({ email }) => email).toSorted());
    expect(await mailsHealth(service)).toEqual({ status: 'ready', reasons: [] });
    expect(await notification.waiting()).toBe(0);
    expect(await notification.deadLetters(QUEUES.notificationUsers)).toBe(0);
  });

  it('when an address is refused for good, then that is recorded, not tried again, and the others get their mails', async () => {
    const { mailServer } = notification;
    const [refused, ...others] = users(3);
    mailServer.behave({
      recipient: (address) =>
        address === refused?.email ? { responseCode: 550, message: 'no such user here' } : undefined,
    });
    const service = await notification.start();
    await notification.publish(...[refused, ...others].flatMap((user) => user?.registered() ?? []));
    await logged('MailRefused', 1);
    await logged('WelcomeEmailSent', 2);
    expect(mailServer.tried.filter((address) => address === refused?.email)).toHaveLength(1);
    expect(await notification.waiting()).toBe(0);
    const [row] = await notification.select<{ data: { answer: string } }>(
      `SELECT data FROM log WHERE type = 'MailRefused'`,
    );
    expect(row?.data.answer).toContain('no such user here');
    expect(await mailsHealth(service)).toEqual({ status: 'ready', reasons: [] });
  });

  it('when an address is put off, then it is tried again, until it is taken or the time for that is over', async () => {
    const { mailServer } = notification;
    const [later, never] = users(2);
    mailServer.behave({
      recipient(address) {
        const tries = mailServer.tried.filter((one) => one === address).length;
        const isTaken = address === later?.email && tries === 3;
        return isTaken ? undefined : { responseCode: 450, message: 'not now' };
      },
    });
    await notification.start({ MAIL_GIVE_UP_MS: '600000', RETRY_BASE_MS: '20' });
    await notification.publish(...[later, never].flatMap((user) => user?.registered() ?? []));
    await logged('WelcomeEmailSent', 1);
    expect(mailServer.tried.filter((address) => address === later?.email)).toHaveLength(3);
    await notification.select('UPDATE mail SET due_at = now(), tries = 30');
    await logged('MailRefused', 1);
    expect(mailServer.to(never?.email ?? '')).toEqual([]);
  });

  it.each([1, 6])(
    'when the server hangs up on %i mails, then they are put off, and the others get through',
    async (count) => {
      const { mailServer } = notification;
      const odd = users(count);
      const others = users(7);
      const isOdd = (address: string) => odd.some(({ email }) => email === address);
      mailServer.behave({
        recipient: (address) => (isOdd(address) ? { responseCode: 421, message: 'closing down' } : undefined),
      });
      await notification.start();
      await notification.publish(...odd.map((user) => user.registered()));
      await notification.publish(...others.map((user) => user.registered()));
      await logged('WelcomeEmailSent', 7);
      expect(mailServer.mails.filter(({ to }) => isOdd(to))).toEqual([]);
      mailServer.behave({});
      await logged('WelcomeEmailSent', 7 + count);
      expect(mailServer.mails).toHaveLength(7 + count);
    },
  );

  it('when the database is away for a moment after a mail is out, then that is recorded when it is back, and nothing is sent again', async () => {
    await notification.start(throughProxy());
    const user = newUser();
    notification.mailServer.behave({
      beforeAnswer() {
        database.refuse(true);
        database.cut();
      },
    });
    await notification.publish(user.registered());
    await waitUntil(async () => (await rolledBack()) > 0, { what: 'a record that fails' });
    database.refuse(false);
    await logged('WelcomeEmailSent', 1);
    expect(notification.mailServer.mails).toHaveLength(1);
    expect(await notification.waiting()).toBe(0);
  });

  it('when a process ends between the answer of the mail server and the record, then the mail is sent again as the same one', async () => {
    const first = await notification.start(throughProxy());
    const { mailServer } = notification;
    const user = newUser();
    mailServer.behave({
      beforeAnswer() {
        database.refuse(true);
        database.cut();
      },
    });
    await notification.publish(user.registered());
    await waitUntil(() => mailServer.mails.length === 1, { what: 'the mail' });
    await first.lifecycle.stop();
    mailServer.behave({});
    expect(await notification.logged()).toEqual(['MailRequested']);
    await notification.start();
    await endLeases();
    await logged('WelcomeEmailSent', 1);
    const [one, again, ...more] = mailServer.mails;
    expect(more).toEqual([]);
    expect(again?.messageId).toBe(one?.messageId);
    expect(await notification.waiting()).toBe(0);
  });
});
