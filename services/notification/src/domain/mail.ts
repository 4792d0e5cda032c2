import { CustomerNotified, ORDER_NEWS, type OrderNews, WelcomeEmailSent } from '@shop/events/notification';
import { type Decision, defineAggregate, type EventIn, ignored, internalEvent, ShortText } from '@warren/contracts';
import { Type } from 'typebox';

/*
 * A mail from its request to its end, event-sourced in the stream `mail-<kind>-<subjectId>`.
 *
 * | state       | RequestMail                      | RecordSent                              | RecordRefused              | DropMail                   |
 * |-------------|----------------------------------|-----------------------------------------|----------------------------|----------------------------|
 * | `none`      | → MailRequested                  | ignored: was not requested              | ignored, as for RecordSent | ignored, as for RecordSent |
 * | `requested` | ignored: already requested       | → WelcomeEmailSent or CustomerNotified  | → MailRefused              | → MailDropped              |
 * | `ended`     | ignored: has ended               | ignored: has ended                      | ignored, as for RecordSent | ignored, as for RecordSent |
 */

/** A kind of mail: a welcome to a new user, or news about an order. */
export type MailKind = 'welcome' | OrderNews;

/** Identifies a mail: there is one of each kind per user (`welcome`) or per order (all others). */
export interface MailSubject {
  kind: MailKind;
  /** Id of the user or of the order. */
  subjectId: string;
}

/**
 * Why a mail is not sent:
 * `unknown`: its recipient did not become known in time; `deactivated`: its recipient is a deactivated user;
 * `overtaken`: it confirms an order that is cancelled or shipped by now.
 */
export type DropReason = 'unknown' | 'deactivated' | 'overtaken';

export type Mail = { status: 'none' } | { status: 'requested' } | { status: 'ended' };

const subject = { kind: Type.Enum(['welcome', ...ORDER_NEWS]), subjectId: ShortText };

const events = {
  /** `holdMs`: how long it is held back, in milliseconds. */
  MailRequested: internalEvent(
    Type.Object({ ...subject, reason: Type.Optional(Type.String()), holdMs: Type.Optional(Type.Integer()) }),
  ),
  WelcomeEmailSent,
  CustomerNotified,
  /** The mail server has refused the mail for good. `answer` is its reply. */
  MailRefused: internalEvent(Type.Object({ ...subject, answer: Type.String() })),
  MailDropped: internalEvent(Type.Object({ ...subject, why: Type.Enum(['unknown', 'deactivated', 'overtaken']) })),
};

/** An event of a mail. */
export type MailEvent = EventIn<typeof events>;

export type MailCommand =
  /** `reason`: why the order was cancelled. `holdMs`: how long to hold the mail back, in milliseconds. */
  | { type: 'RequestMail'; data: MailSubject & { reason?: string | undefined; holdMs?: number } }
  | { type: 'RecordSent'; data: MailSubject & { recipient: { userId: string; email: string }; sentAt: Date } }
  | { type: 'RecordRefused'; data: MailSubject & { answer: string } }
  | { type: 'DropMail'; data: MailSubject & { why: DropReason } };

/** Decides a command: see the table above. */
function decide({ status }: Mail, command: MailCommand): Decision<MailEvent> {
  const { kind, subjectId } = command.data;
  if (status === 'ended') return ignored('the mail has already ended');
  if (command.type === 'RequestMail') {
    if (status === 'requested') return ignored('the mail is already requested');
    return [requested(command.data)];
  }
  if (status === 'none') return ignored('the mail was not requested');
  switch (command.type) {
    case 'RecordSent':
      return [sent(command.data)];
    case 'RecordRefused':
      return [{ type: 'MailRefused', data: { kind, subjectId, answer: command.data.answer } }];
    case 'DropMail':
      return [{ type: 'MailDropped', data: { kind, subjectId, why: command.data.why } }];
  }
}

const evolve = (_mail: Mail, { type }: MailEvent): Mail => ({
  status: type === 'MailRequested' ? 'requested' : 'ended',
});

type DataOf<Type extends MailCommand['type']> = Extract<MailCommand, { type: Type }>['data'];

function requested({ kind, subjectId, reason, holdMs = 0 }: DataOf<'RequestMail'>): MailEvent {
  const more = { ...(reason !== undefined && { reason }), ...(holdMs > 0 && { holdMs }) };
  return { type: 'MailRequested', data: { kind, subjectId, ...more } };
}

function sent({ kind, subjectId, recipient: { userId, email }, ...data }: DataOf<'RecordSent'>): MailEvent {
  const sentAt = data.sentAt.toISOString();
  if (kind === 'welcome') return { type: 'WelcomeEmailSent', data: { userId: subjectId, email, sentAt } };
  return { type: 'CustomerNotified', data: { customerId: userId, orderId: subjectId, news: kind, email, sentAt } };
}

export const mail = defineAggregate({
  category: 'mail',
  events,
  ends: ['WelcomeEmailSent', 'CustomerNotified', 'MailRefused', 'MailDropped'],
  initial: { status: 'none' },
  idOf: ({ data: { kind, subjectId } }: MailCommand) => `${kind}-${subjectId}`,
  aboutOf: ({ data: { subjectId } }: MailCommand) => subjectId,
  decide,
  evolve,
});
