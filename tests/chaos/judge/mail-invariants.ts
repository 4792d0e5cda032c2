import { groupBy } from '@warren/kernel';
import type { ReceivedMail } from '@warren/testing';
import type { Evidence, LoggedEvent } from './evidence.ts';
import type { Invariant } from './invariant.ts';
import { repeated } from './repeated.ts';

/** What users, their mails and the mail server have to say. */
export const MAIL_INVARIANTS: readonly Invariant[] = [
  ['a user whose registration was answered 201 is stored, with the e-mail address that was sent', lostUsers],
  ['no two users have the same e-mail address', sharedAddresses],
  ['every user gets a welcome mail, under one Message-ID', wrongWelcomes],
  ['a mail is asked for about every end of an order, and that it was shipped', untoldNews],
  ['a mail was asked for in the log', unaskedMails],
  ['a mail that was asked for comes to one end, and was taken by the mail server where that says so', wrongEnds],
  ['a mail is sent again only where its answer was lost, or a process died before it was recorded', repeatedMails],
];

/** How many mails a process has in hand at the same moment: `CONCURRENCY` of the notification service. */
const HANDS = 5;
/** From the answer of the mail server until it is recorded, at most, in milliseconds: the database may be away meanwhile. */
const RECORD_MS = 10_000;
/** A death is noted when the process is seen to be gone: it may have left its last answer unread. In milliseconds. */
const NOTICE_MS = 1000;

function lostUsers({ record, users }: Evidence): string[] {
  const stored = new Map(users.map(({ id, email }) => [id, email]));
  return [...record.users].flatMap(([id, email]) =>
    stored.get(id) === email ? [] : [`${id} ought to have ${email}, has ${stored.get(id)}`],
  );
}

function sharedAddresses({ users }: Evidence): string[] {
  const active = users.filter(({ status }) => status === 'active');
  return repeated(active.map(({ email }) => email.toLowerCase()));
}

/** Id of the `MailRequested` that a mail was made from. */
const requestIdOf = ({ messageId }: ReceivedMail): string => /^<(.*)@/.exec(messageId)?.[1] ?? messageId;

/** The mail that an event of an order asks for. */
const MAIL_OF: Readonly<Record<string, string>> = {
  OrderConfirmed: 'confirmed',
  OrderCancelled: 'cancelled',
  OrderShipped: 'shipped',
};

function untoldNews({ running, events }: Evidence): string[] {
  if (!running.has('notification')) return [];
  const asked = new Set(streamsById(events).values());
  return events.flatMap(({ type, stream }) => {
    const kind = MAIL_OF[type];
    const mail = `mail-${kind}-${stream.slice('order-'.length)}`;
    return kind === undefined || asked.has(mail) ? [] : [`${type} of ${stream}: no ${mail}`];
  });
}

const SENT: readonly string[] = ['WelcomeEmailSent', 'CustomerNotified'];

function wrongEnds({ events, mails }: Evidence): string[] {
  const taken = new Set(mails.map(requestIdOf));
  const streams = groupBy(events, ({ stream }) => stream);
  return [...streamsById(events)].flatMap(([id, stream]) => {
    const ends = (streams.get(stream) ?? []).filter(({ type }) => type !== 'MailRequested');
    const [end] = ends;
    if (!end || ends.length > 1) return [`${stream} has ${ends.length} ends: ${ends.map(({ type }) => type)}`];
    if (SENT.includes(end.type)) return taken.has(id) ? [] : [`${stream} says ${end.type}, and nothing was taken`];
    const orderId = /^mail-confirmed-(.*)/.exec(stream)?.[1];
    const isOvertaken = (streams.get(`order-${orderId}`) ?? []).some(({ type }) => OVERTAKING.includes(type));
    // The mail server of these runs takes every mail.
    const isDropped = end.type === 'MailDropped' && (end.why === 'unknown' || (end.why === 'overtaken' && isOvertaken));
    return isDropped ? [] : [`${stream} ends with ${end.type}, ${end.why}`];
  });
}

/** What says more than that the order is confirmed. */
const OVERTAKING: readonly string[] = ['OrderCancelled', 'OrderShipped'];

/** Of the mails that were asked for, by the ids of the events that say so. */
function streamsById(events: readonly LoggedEvent[]): Map<string, string> {
  return new Map(events.filter(({ type }) => type === 'MailRequested').map(({ id, stream }) => [id, stream]));
}

function wrongWelcomes({ users, events, mails }: Evidence): string[] {
  const streams = streamsById(events);
  const byStream = groupBy(mails, (mail) => streams.get(requestIdOf(mail)) ?? '');
  return users.flatMap(({ id, email }) => {
    const own = byStream.get(`mail-welcome-${id}`) ?? [];
    const ids = new Set(own.map(({ messageId }) => messageId));
    const right = ids.size === 1 && own.every(({ to }) => to.toLowerCase() === email.toLowerCase());
    return right ? [] : [`${id}, ${email}: ${own.map(({ to, messageId }) => `${messageId} to ${to}`).join(', ')}`];
  });
}

function unaskedMails({ events, mails }: Evidence): string[] {
  const asked = streamsById(events);
  return mails
    .filter((mail) => !asked.has(requestIdOf(mail)))
    .map(({ messageId, to, subject }) => `${messageId} to ${to}: ${subject}`);
}

/** A mail that came once more, and when it had come before. */
export interface Repetition {
  mail: ReceivedMail;
  before: ReceivedMail;
}

/** The mails that came again, in the order of what they repeat. */
export function repetitionsIn(mails: readonly ReceivedMail[]): Repetition[] {
  const groups = groupBy(
    mails.toSorted((a, b) => a.keptAt - b.keptAt),
    ({ messageId }) => messageId,
  );
  const all = [...groups.values()].flatMap((group) =>
    group.slice(1).map((mail, index) => ({ mail, before: group[index] as ReceivedMail })),
  );
  return all.sort((a, b) => a.before.keptAt - b.before.keptAt);
}

/** The doubt that ADR 0014 documents. Each death explains no more mails than the process can have had in hand. */
function repeatedMails({ mails, notificationEnds }: Evidence): string[] {
  const deaths = notificationEnds.toSorted((a, b) => a - b).map((at) => ({ at, hands: HANDS }));
  return repetitionsIn(mails).flatMap(({ mail, before }) => {
    const { answeredAt } = before;
    if (answeredAt === undefined) return [];
    const death = deaths.find(
      ({ at, hands }) =>
        hands > 0 && at >= answeredAt - NOTICE_MS && at <= Math.min(answeredAt + RECORD_MS, mail.keptAt),
    );
    if (death) death.hands -= 1;
    const said = new Date(answeredAt).toISOString();
    return death
      ? []
      : [`${mail.messageId} to ${mail.to}: answered for at ${said}, came again ${mail.keptAt - answeredAt} ms later`];
  });
}
