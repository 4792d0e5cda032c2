import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitUntil } from '@warren/testing';
import { newOrder, newUser } from './messages.ts';
import { createNotificationFixture, type NotificationFixture } from './running-notification.ts';

let notification: NotificationFixture;

beforeEach(async () => {
  notification = await createNotificationFixture();
});
afterEach(() => notification.close());

const sent = (count: number) =>
  waitUntil(async () => (await notification.logged()).filter((type) => type === 'WelcomeEmailSent').length >= count, {
    what: `${count} mails to be recorded`,
  });
const repeated = () => notification.counted('warren_notification_mails_total', 'outcome="repeated"');
/** As if a minute had gone by. */
const endClaims = () => notification.select('UPDATE mail SET due_at = now()');

/** Something that is waited for until it is let go. */
function createGate() {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open: () => open() };
}

describe('two instances of the notification service', () => {
  it('when both run, then every mail is sent once', async () => {
    await Promise.all([notification.start(), notification.start()]);
    // Long enough in hand that each instance looks while the other one sends.
    notification.mailServer.behave({ beforeAnswer: () => new Promise((resolve) => setTimeout(resolve, 30)) });
    const crowd = Array.from({ length: 40 }, () => newUser());
    await notification.publish(...crowd.map((user) => user.registered()));
    await sent(40);
    const { mails } = notification.mailServer;
    expect(mails.map(({ to }) => to).toSorted()).toEqual(crowd.map(({ email }) => email).toSorted());
    expect(await repeated()).toBe(0);
  });

  it('when a mail is being claimed, then it is left to who claims it, and the others are sent meanwhile', async () => {
    const first = await notification.start({ MAIL_HOLD_MS: '600000' });
    const { mailServer } = notification;
    const [user, other, third] = [newUser(), newUser(), newUser()];
    const order = newOrder(user.userId);
    await notification.publish(user.registered(), order.created(), order.confirmed());
    await sent(1);
    await first.lifecycle.stop();
    await notification.select('UPDATE mail SET due_at = now()');
    await notification.select('BEGIN');
    await notification.select("UPDATE mail SET claim = claim + 1, due_at = now() + interval '10 minutes'");
    await notification.start();
    await notification.publish(other.registered());
    await waitUntil(() => mailServer.to(other.email).length === 1, { what: 'the other mail', timeoutMs: 10_000 });
    await notification.select('COMMIT');
    await notification.publish(third.registered());
    await sent(3);
    expect(mailServer.to(user.email)).toHaveLength(1);
  });

  it('when a claim runs out while the mail is under way, then it goes out twice as the same one, and is told once', async () => {
    await Promise.all([notification.start(), notification.start()]);
    const { mailServer } = notification;
    mailServer.behave({
      async beforeAnswer() {
        if (mailServer.mails.length === 1) await endClaims();
        await waitUntil(() => mailServer.mails.length === 2, { what: 'the same mail again' });
      },
    });
    const user = newUser();
    await notification.publish(user.registered());
    await waitUntil(async () => (await repeated()) === 1, { what: 'the second record' });
    const [one, again] = mailServer.to(user.email);
    expect(again?.messageId).toBe(one?.messageId);
    expect(await notification.logged()).toEqual(['MailRequested', 'WelcomeEmailSent']);
    expect(mailServer.mails).toHaveLength(2);
  });

  it('when a claim has run out, then whoever had it cannot give the mail back under the hands of the next one', async () => {
    await Promise.all([notification.start({ RETRY_BASE_MS: '1' }), notification.start({ RETRY_BASE_MS: '1' })]);
    const { mailServer } = notification;
    const [user, other] = [newUser(), newUser()];
    const gate = createGate();
    mailServer.behave({
      async beforeAnswer({ to }) {
        if (to === other.email) return;
        if (mailServer.to(user.email).length > 1) return gate.passed;
        await endClaims();
        await waitUntil(() => mailServer.to(user.email).length === 2, { what: 'the second claim' });
        throw Object.assign(new Error('not now'), { responseCode: 451 });
      },
    });
    await notification.publish(user.registered());
    await waitUntil(() => mailServer.to(user.email).length === 2, { what: 'the second claim' });
    // Were the mail due again, it would be taken before this one or with it.
    await notification.publish(other.registered());
    await waitUntil(() => mailServer.to(other.email).length === 1, { what: 'the other mail' });
    gate.open();
    await sent(2);
    expect(mailServer.to(user.email)).toHaveLength(2);
  });
});
