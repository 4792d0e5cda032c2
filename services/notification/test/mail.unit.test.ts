import { describe, expect, it } from '@jest/globals';
import { given } from '@warren/testing';
import { decideDelivery, type MailToDeliver } from '../src/domain/delivery.ts';
import { type MailCommand, type MailEvent, mail } from '../src/domain/mail.ts';
import { parseSenderAddress } from '../src/domain/sender-address.ts';

const welcome = { kind: 'welcome', subjectId: 'u1' } as const;
const confirmed = { kind: 'confirmed', subjectId: 'o1' } as const;
const sentAt = new Date('2026-11-21T10:00:00.000Z');
const recipient = { userId: 'u1', email: 'ann@example.com' };
const request: MailCommand = { type: 'RequestMail', data: welcome };
const recordSent: MailCommand = { type: 'RecordSent', data: { ...welcome, recipient, sentAt } };
const requested: MailEvent = { type: 'MailRequested', data: welcome };
const welcomed: MailEvent = {
  type: 'WelcomeEmailSent',
  data: { ...recipient, sentAt: sentAt.toISOString() },
};
const ends: { type: string; command: MailCommand; event: MailEvent }[] = [
  { command: recordSent, event: welcomed },
  {
    command: { type: 'RecordRefused', data: { ...welcome, answer: '550' } },
    event: { type: 'MailRefused', data: { ...welcome, answer: '550' } },
  } as const,
  {
    command: { type: 'DropMail', data: { ...welcome, why: 'unknown' } },
    event: { type: 'MailDropped', data: { ...welcome, why: 'unknown' } },
  } as const,
].map((end) => ({ ...end, type: end.command.type }));

describe('a mail', () => {
  it('when it is asked for twice, then it is requested once', () => {
    given(mail)
      .when({ type: 'RequestMail', data: confirmed })
      .then([{ type: 'MailRequested', data: confirmed }]);
    given(mail, requested)
      .when(request)
      .thenNothingHappened(/already requested/);
  });

  it('when it is to be held back or has a reason, then the event says so', () => {
    const data = { ...confirmed, reason: 'no stock', holdMs: 5 };
    given(mail)
      .when({ type: 'RequestMail', data })
      .then([{ type: 'MailRequested', data }]);
    given(mail)
      .when({ type: 'RequestMail', data: { ...confirmed, reason: undefined, holdMs: 0 } })
      .then([{ type: 'MailRequested', data: confirmed }]);
  });

  it('when it was sent, then the event says to whom and what', () => {
    given(mail, requested).when(recordSent).then([welcomed]);
    const data = { customerId: 'u1', orderId: 'o1', news: 'confirmed', email: recipient.email } as const;
    given(mail, { type: 'MailRequested', data: confirmed })
      .when({ type: 'RecordSent', data: { ...confirmed, recipient, sentAt } })
      .then([{ type: 'CustomerNotified', data: { ...data, sentAt: sentAt.toISOString() } }]);
  });

  it.each(ends)('when $type comes, then the mail ends, and nothing more happens to it', ({ command, event }) => {
    given(mail, requested).when(command).then([event]);
    for (const later of [request, ...ends.map((end) => end.command)])
      given(mail, requested, event)
        .when(later)
        .thenNothingHappened(/has already ended/);
  });

  it.each(ends)('when nobody has asked for it, then $type is ignored', ({ command }) => {
    given(mail)
      .when(command)
      .thenNothingHappened(/not requested/);
  });

  it('when it is of an order, then its stream is its own, and its events are about the order', () => {
    expect(mail.idOf({ type: 'RequestMail', data: confirmed })).toBe('confirmed-o1');
    expect(mail.aboutOf?.({ type: 'RequestMail', data: confirmed })).toBe('o1');
  });
});

describe('the delivery of a mail', () => {
  const known = { userId: 'u1', name: 'Ann', email: 'ann@example.com', deactivated: false };
  const order = { total: { cents: 999, currency: 'EUR' }, cancelled: false, shipped: false };
  const due: MailToDeliver = { ...confirmed, order, recipient: known };
  const patience = { patienceMs: 10, waitedMs: 5 };

  it('when all is known, then it is sent, with what its template shows', () => {
    expect(decideDelivery(due, patience)).toEqual({
      action: 'send',
      recipient: { userId: 'u1', name: 'Ann', email: 'ann@example.com' },
      values: { name: 'Ann', orderId: 'o1', total: '9.99 EUR' },
    });
    expect(decideDelivery({ ...due, order: { cancelled: false, shipped: false } }, patience)).toMatchObject({
      values: { total: 'not stated' },
    });
  });

  it.each(['cancelled', 'shipped'] as const)(
    'when the order is %s by now, then a mail that it is confirmed is dropped, and one about that is sent',
    (kind) => {
      const gone = { ...due, order: { ...order, [kind]: true } };
      expect(decideDelivery(gone, patience)).toEqual({ action: 'drop', why: 'overtaken' });
      const news = decideDelivery({ ...gone, kind, reason: 'no stock' }, patience);
      const shown = kind === 'cancelled' ? { reason: 'no stock' } : { total: '9.99 EUR' };
      expect(news).toMatchObject({ action: 'send', values: { name: 'Ann', orderId: 'o1', ...shown } });
    },
  );

  it('when the recipient is deactivated, then it is dropped', () => {
    const gone = { userId: 'u1', deactivated: true };
    expect(decideDelivery({ ...due, recipient: gone }, patience)).toEqual({ action: 'drop', why: 'deactivated' });
  });

  it.each([
    ['the recipient is not known', { recipient: undefined }],
    [
      'only the new address of the recipient is known',
      { recipient: { userId: 'u1', email: 'a@b', deactivated: false } },
    ],
    ['the order is not known', { order: undefined, recipient: undefined }],
  ])('when %s, then it waits, and in the end is dropped', (_, facts) => {
    expect(decideDelivery({ ...due, ...facts }, patience)).toEqual({ action: 'wait' });
    expect(decideDelivery({ ...due, ...facts }, { ...patience, waitedMs: 11 })).toEqual({
      action: 'drop',
      why: 'unknown',
    });
  });
});

describe('the sender of mails', () => {
  it.each([
    ['a@b.example', { name: '', address: 'a@b.example' }],
    ['Warren <a@b.example>', { name: 'Warren', address: 'a@b.example' }],
    ['<a@b>', { name: '', address: 'a@b' }],
  ])('when it is "%s", then its parts are known', (text, parts) => {
    expect(parseSenderAddress(text)).toEqual(parts);
  });

  it.each(['', 'nobody', 'Warren a@b', 'Warren <a>', 'a@b, c@d', 'x\n<a@b>', '<a@b> x'])(
    'when it is "%s", then it is refused',
    (text) => {
      expect(() => parseSenderAddress(text)).toThrow('must be an address');
    },
  );
});
