import { describe, expect, it } from '@jest/globals';
import { decideDelivery, type MailToDeliver } from '../src/domain/delivery.ts';
import { decide, evolve, type Mail, type MailCommand, noMail } from '../src/domain/mail.ts';
import { parseSenderAddress } from '../src/domain/sender-address.ts';

const welcome = { kind: 'welcome', subjectId: 'u1' } as const;
const confirmed = { kind: 'confirmed', subjectId: 'o1' } as const;
const sentAt = new Date('2026-11-21T10:00:00.000Z');
const recipient = { userId: 'u1', email: 'ann@example.com' };
const recordSent: MailCommand = { type: 'RecordSent', recipient, sentAt };
const ends: MailCommand[] = [
  recordSent,
  { type: 'RecordRefused', answer: '550' },
  { type: 'DropMail', why: 'unknown' },
];

function after(...commands: MailCommand[]): Mail {
  return commands.reduce((mail, command) => {
    const decision = decide(mail, welcome, command);
    return 'outcome' in decision ? mail : decision.reduce(evolve, mail);
  }, noMail);
}

describe('a mail', () => {
  it('when it is asked for twice, then it is requested once', () => {
    expect(decide(noMail, confirmed, { type: 'RequestMail' })).toEqual([{ type: 'MailRequested', data: confirmed }]);
    expect(decide(after({ type: 'RequestMail' }), confirmed, { type: 'RequestMail' })).toMatchObject({
      outcome: 'ignored',
    });
  });

  it('when it was sent, then the event says to whom and what', () => {
    const requested = after({ type: 'RequestMail' });
    expect(decide(requested, welcome, recordSent)).toEqual([
      { type: 'WelcomeEmailSent', data: { ...recipient, sentAt: sentAt.toISOString() } },
    ]);
    const data = { customerId: 'u1', orderId: 'o1', news: 'confirmed', email: recipient.email };
    expect(decide(requested, confirmed, recordSent)).toEqual([
      { type: 'CustomerNotified', data: { ...data, sentAt: sentAt.toISOString() } },
    ]);
  });

  it.each(ends)('when $type has ended it, then nothing more happens to it', (end) => {
    const ended = after({ type: 'RequestMail' }, end);
    for (const command of [{ type: 'RequestMail' } as const, ...ends])
      expect(decide(ended, welcome, command)).toMatchObject({ outcome: 'ignored' });
  });

  it.each(ends)('when nobody has asked for it, then $type is ignored', (end) => {
    expect(decide(noMail, welcome, end)).toMatchObject({ outcome: 'ignored' });
  });
});

describe('the delivery of a mail', () => {
  const known = { userId: 'u1', name: 'Ann', email: 'ann@example.com', deactivated: false };
  const order = { total: { cents: 999, currency: 'EUR' }, cancelled: false, shipped: false };
  const mail: MailToDeliver = { ...confirmed, order, recipient: known };
  const patience = { patienceMs: 10, waitedMs: 5 };

  it('when all is known, then it is sent, with what its template shows', () => {
    expect(decideDelivery(mail, patience)).toEqual({
      action: 'send',
      recipient: { userId: 'u1', name: 'Ann', email: 'ann@example.com' },
      values: { name: 'Ann', orderId: 'o1', total: '9.99 EUR' },
    });
    expect(decideDelivery({ ...mail, order: { cancelled: false, shipped: false } }, patience)).toMatchObject({
      values: { total: 'not stated' },
    });
  });

  it.each(['cancelled', 'shipped'] as const)(
    'when the order is %s by now, then a mail that it is confirmed is dropped, and one about that is sent',
    (kind) => {
      const gone = { ...mail, order: { ...order, [kind]: true } };
      expect(decideDelivery(gone, patience)).toEqual({ action: 'drop', why: 'overtaken' });
      const news = decideDelivery({ ...gone, kind, reason: 'no stock' }, patience);
      const shown = kind === 'cancelled' ? { reason: 'no stock' } : { total: '9.99 EUR' };
      expect(news).toMatchObject({ action: 'send', values: { name: 'Ann', orderId: 'o1', ...shown } });
    },
  );

  it('when the recipient is deactivated, then it is dropped', () => {
    const gone = { userId: 'u1', deactivated: true };
    expect(decideDelivery({ ...mail, recipient: gone }, patience)).toEqual({ action: 'drop', why: 'deactivated' });
  });

  it.each([
    ['the recipient is not known', { recipient: undefined }],
    [
      'only the new address of the recipient is known',
      { recipient: { userId: 'u1', email: 'a@b', deactivated: false } },
    ],
    ['the order is not known', { order: undefined, recipient: undefined }],
  ])('when %s, then it waits, and in the end is dropped', (_, facts) => {
    expect(decideDelivery({ ...mail, ...facts }, patience)).toEqual({ action: 'wait' });
    expect(decideDelivery({ ...mail, ...facts }, { ...patience, waitedMs: 11 })).toEqual({
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
