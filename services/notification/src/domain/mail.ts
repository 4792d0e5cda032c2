import type { CustomerNotified, OrderNews, WelcomeEmailSent } from '@shop/events/notification';
import type { EventOf } from '@warren/contracts';

/*
 * A mail from the wish to send it to its end. Its events are its memory (stream `mail-<kind>-<subjectId>`).
 *
 * | state       | RequestMail                      | RecordSent                              | RecordRefused              | DropMail                   |
 * |-------------|----------------------------------|-----------------------------------------|----------------------------|----------------------------|
 * | `none`      | → MailRequested                  | ignored: nobody has asked for it        | ignored, as for RecordSent | ignored, as for RecordSent |
 * | `requested` | ignored: asked for already       | → WelcomeEmailSent or CustomerNotified  | → MailRefused              | → MailDropped              |
 * | `ended`     | ignored: has come to its end     | ignored: has come to its end            | ignored, as for RecordSent | ignored, as for RecordSent |
 */

/** What a mail says: welcome to a new user, or what became of an order. */
export type MailKind = 'welcome' | OrderNews;

/** Which mail: there is one of each kind for a user (`welcome`) or an order (all others). */
export interface MailSubject {
  kind: MailKind;
  /** Id of the user or of the order. */
  subjectId: string;
}

/**
 * Why a mail is not sent:
 * `unknown`: it was waited for long enough to hear who its recipient is; `deactivated`: who that is, is no user any more;
 * `overtaken`: it says that an order is confirmed which is cancelled or shipped by now.
 */
export type DropReason = 'unknown' | 'deactivated' | 'overtaken';

export type Mail = { status: 'none' } | { status: 'requested' } | { status: 'ended' };

export const noMail: Mail = { status: 'none' };

/** What can happen to a mail. Those of the contracts are published, the others known to this service only. */
export type MailEvent =
  | Pick<EventOf<typeof WelcomeEmailSent>, 'type' | 'data'>
  | Pick<EventOf<typeof CustomerNotified>, 'type' | 'data'>
  | { type: 'MailRequested'; data: MailSubject & { reason?: string } }
  /** The mail server will not have it, now or later. `answer` is what it said. */
  | { type: 'MailRefused'; data: MailSubject & { answer: string } }
  | { type: 'MailDropped'; data: MailSubject & { why: DropReason } };

export type MailCommand =
  /** `reason`: why the order was cancelled. */
  | { type: 'RequestMail'; reason?: string }
  | { type: 'RecordSent'; recipient: { userId: string; email: string }; sentAt: Date }
  | { type: 'RecordRefused'; answer: string }
  | { type: 'DropMail'; why: DropReason };

/** Nothing follows from a command, for a reason that is part of the design. */
export interface Ignored {
  outcome: 'ignored';
  reason: string;
}

export function evolve(_mail: Mail, { type }: MailEvent): Mail {
  return { status: type === 'MailRequested' ? 'requested' : 'ended' };
}

/** What follows from a command: see the table above. */
export function decide(mail: Mail, subject: MailSubject, command: MailCommand): readonly MailEvent[] | Ignored {
  const { kind, subjectId } = subject;
  if (mail.status === 'ended') return ignored('the mail has come to its end already');
  if (command.type === 'RequestMail') {
    if (mail.status === 'requested') return ignored('the mail is asked for already');
    const { reason } = command;
    return [{ type: 'MailRequested', data: { kind, subjectId, ...(reason !== undefined && { reason }) } }];
  }
  if (mail.status === 'none') return ignored('nobody has asked for the mail');
  switch (command.type) {
    case 'RecordSent':
      return [sent(subject, command)];
    case 'RecordRefused':
      return [{ type: 'MailRefused', data: { kind, subjectId, answer: command.answer } }];
    case 'DropMail':
      return [{ type: 'MailDropped', data: { kind, subjectId, why: command.why } }];
    default:
      return command satisfies never;
  }
}

function sent({ kind, subjectId }: MailSubject, command: Extract<MailCommand, { type: 'RecordSent' }>): MailEvent {
  const { userId, email } = command.recipient;
  const sentAt = command.sentAt.toISOString();
  if (kind === 'welcome') return { type: 'WelcomeEmailSent', data: { userId: subjectId, email, sentAt } };
  return { type: 'CustomerNotified', data: { customerId: userId, orderId: subjectId, news: kind, email, sentAt } };
}

const ignored = (reason: string): Ignored => ({ outcome: 'ignored', reason });
