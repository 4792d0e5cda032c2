import { describe, expect, it } from '@jest/globals';
import type { ReceivedMail } from '@warren/testing';
import type { Evidence, LoggedEvent } from './evidence.ts';
import { brokenBy, logged, soundRun } from './sound-run.ts';

const all = soundRun().mails;
const [welcome, ...others] = all as [ReceivedMail, ...ReceivedMail[]];
const [user] = soundRun().users as [Evidence['users'][number]];
const again = { ...welcome, keptAt: 160_000, answeredAt: 160_010 };
const unanswered = { ...welcome, answeredAt: undefined };
const REPEATED = /is sent again only/;
const sent = (mails: readonly ReceivedMail[], notificationEnds: readonly number[] = []) => ({
  mails: [...mails, ...others],
  notificationEnds,
});

const endingWith = (stream: string, change: Partial<LoggedEvent>): Pick<Evidence, 'events'> => ({
  events: soundRun().events.map((event) => (event.id === `end-${stream}` ? { ...event, ...change } : event)),
});

const without = (stream: string): Pick<Evidence, 'events'> => ({
  events: soundRun().events.filter((event) => event.stream !== stream),
});

/** So many mails that were answered for, and so many of them that came again. */
function manyTwice(count: number): Pick<Evidence, 'mails' | 'events'> {
  const ids = Array.from({ length: count }, (_, index) => `many-${index}`);
  const [asked] = soundRun().events.filter(({ type }) => type === 'MailRequested');
  const mails = ids.map((id) => ({ ...welcome, messageId: `<${id}@localhost>` }));
  return {
    mails: [welcome, ...mails, ...mails.map((mail) => ({ ...mail, keptAt: 160_000 }))],
    events: [
      ...soundRun().events,
      ...ids.flatMap((id) => (asked ? [{ ...asked, id, stream: `mail-confirmed-${id}` }] : [])),
    ],
  };
}

describe('the judgement of the users and mails of a run', () => {
  it.each<[string, RegExp, Partial<Evidence>]>([
    ['a user answered 201 is not stored', /is stored, with/, { users: [] }],
    [
      'a user answered 201 has another address',
      /is stored, with/,
      { users: [{ ...user, email: 'other@example.org' }] },
    ],
    [
      'two users have an address that differs in capitals only',
      /no two users/,
      { users: [user, { ...user, id: 'user-2', email: 'ONE@example.org' }] },
    ],
    ['a user was not welcomed', /welcome mail/, { mails: [] }],
    ['a welcome mail went to somebody else', /welcome mail/, { mails: [{ ...welcome, to: 'other@example.org' }] }],
    [
      'a user was welcomed by two mails',
      /welcome mail/,
      {
        mails: [welcome, { ...welcome, messageId: '<m3@localhost>' }],
        events: soundRun().events.flatMap((event) => (event.id === 'm1' ? [event, { ...event, id: 'm3' }] : [event])),
      },
    ],
    [
      'nobody has asked for a mail',
      /asked for in/,
      { mails: [...all, { ...welcome, messageId: '<ghost@localhost>' }] },
    ],
    ['a confirmation was not told', /asked for about every end/, without('mail-confirmed-order-1')],
    ['a cancellation was not told', /asked for about every end/, without('mail-cancelled-order-2')],
    ['a shipping was not told', /asked for about every end/, without('mail-shipped-order-1')],
    [
      'a mail about an order has no end',
      /comes to one end/,
      { events: soundRun().events.filter(({ id }) => id !== 'end-mail-confirmed-order-3') },
    ],
    ['a mail was refused', /comes to one end/, endingWith('mail-cancelled-order-3', { type: 'MailRefused' })],
    [
      'a mail was dropped as overtaken by nothing',
      /comes to one end/,
      endingWith('mail-cancelled-order-2', { why: 'overtaken' }),
    ],
    [
      'a mail about an order was dropped as well as sent',
      /comes to one end/,
      { events: [...soundRun().events, logged('m9', 'mail-shipped-order-1', 3, 'MailDropped')] },
    ],
    [
      'a mail that was sent never came',
      /comes to one end/,
      { mails: all.filter(({ subject }) => !/shipped/.test(subject)) },
    ],
    ['a mail came again that was answered for', REPEATED, sent([welcome, again])],
    ['a process died long after the answer', REPEATED, sent([welcome, again], [120_000])],
    ['a process died before the answer', REPEATED, sent([welcome, again], [98_000])],
    [
      'a mail came a third time after one death',
      REPEATED,
      sent([welcome, again, { ...again, keptAt: 220_000 }], [100_500]),
    ],
    ['more mails came again than a process has hands', REPEATED, { ...manyTwice(6), notificationEnds: [100_500] }],
  ])('when %s, then that is a violation', (_, promise, change) => {
    expect(brokenBy(change)).toContainEqual(expect.stringMatching(promise));
  });

  it.each<[string, Partial<Evidence>]>([
    ['its answer was lost', sent([unanswered, again])],
    ['a process died right after the answer', sent([welcome, again], [100_500])],
    [
      'each of two processes died right after an answer',
      sent([welcome, again, { ...again, keptAt: 220_000 }], [100_500, 160_500]),
    ],
  ])('when a mail came again because %s, then that is as documented', (_, change) => {
    expect(brokenBy(change)).toEqual([]);
  });

  it('when no more mails came again than a process has hands, then that is as documented', () => {
    expect(brokenBy({ ...manyTwice(5), notificationEnds: [100_500] })).not.toContainEqual(
      expect.stringMatching(REPEATED),
    );
  });
});
