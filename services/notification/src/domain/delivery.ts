import type { DropReason, MailKind, MailSubject } from './mail.ts';

/** What is known about a user. What only an event still to come will say is absent. */
export interface KnownUser {
  userId: string;
  name?: string;
  email?: string;
  deactivated: boolean;
}

/** What is known about an order so far. */
export interface KnownOrder {
  total?: { cents: number; currency: string };
  cancelled: boolean;
  shipped: boolean;
}

/** A due mail, with what is known about its recipient and its order. */
export interface MailToDeliver extends MailSubject {
  /** Why the order was cancelled. */
  reason?: string;
  order?: KnownOrder;
  recipient?: KnownUser;
}

/** How long a mail may wait for its recipient to become known, and how long it has waited, in milliseconds. */
export interface Patience {
  patienceMs: number;
  waitedMs: number;
}

/** The values available to templates, by kind of mail. */
export const MAIL_VALUES = {
  welcome: ['name'],
  confirmed: ['name', 'orderId', 'total'],
  shipped: ['name', 'orderId', 'total'],
  cancelled: ['name', 'orderId', 'reason'],
} as const satisfies Record<MailKind, readonly string[]>;

export type MailValues = Readonly<Record<string, string>>;

export interface Recipient {
  userId: string;
  name: string;
  email: string;
}

/** What to do with a mail now. */
export type Delivery =
  | { action: 'send'; recipient: Recipient; values: MailValues }
  | { action: 'wait' }
  | { action: 'drop'; why: DropReason };

/**
 * The first matching line applies:
 *
 * | the mail | is |
 * |---|---|
 * | confirms an order that is cancelled or shipped by now | dropped: `overtaken`. The mail about that says more |
 * | is for a deactivated user | dropped: `deactivated`. The address may belong to another user by now |
 * | is for a known user | sent |
 * | was postponed for `patienceMs` in total | dropped: `unknown` |
 * | is anything else | postponed |
 */
export function decideDelivery(mail: MailToDeliver, { waitedMs, patienceMs }: Patience): Delivery {
  const { kind, order, recipient } = mail;
  if (kind === 'confirmed' && (order?.cancelled || order?.shipped)) return { action: 'drop', why: 'overtaken' };
  if (recipient?.deactivated) return { action: 'drop', why: 'deactivated' };
  const { userId, name, email } = recipient ?? {};
  if (userId !== undefined && name !== undefined && email !== undefined)
    return { action: 'send', recipient: { userId, name, email }, values: valuesOf(mail, name) };
  return waitedMs >= patienceMs ? { action: 'drop', why: 'unknown' } : { action: 'wait' };
}

function valuesOf({ kind, subjectId, order, reason }: MailToDeliver, name: string): MailValues {
  switch (kind) {
    case 'welcome':
      return { name };
    case 'confirmed':
    case 'shipped':
      return { name, orderId: subjectId, total: shown(order?.total) };
    case 'cancelled':
      return { name, orderId: subjectId, reason: reason ?? 'not given' };
    default:
      return kind satisfies never;
  }
}

function shown(total: KnownOrder['total']): string {
  return total === undefined ? 'not stated' : `${(total.cents / 100).toFixed(2)} ${total.currency}`;
}
