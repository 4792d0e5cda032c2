import type { OrderCreated, OrderShipped, OrderStatusUpdated } from '@shop/events/order';
import type { UserDeactivated, UserEmailChanged, UserRegistered } from '@shop/events/user';
import { type EventOf, ignored, request } from '@warren/contracts';
import type { Context } from '@warren/service';
import { mail } from '../domain/mail.ts';

/** The events about users that the service consumes. */
export type UserNews = EventOf<typeof UserRegistered | typeof UserEmailChanged | typeof UserDeactivated>;

/** The events about orders that the service consumes. */
export type OrderMessage = EventOf<typeof OrderCreated | typeof OrderStatusUpdated | typeof OrderShipped>;

/** Requests a welcome mail for a new user. */
export function welcomeUser({ type, data: { userId } }: UserNews) {
  if (type !== 'UserRegistered') return ignored('there is no mail for this event');
  return request(mail, { type: 'RequestMail', data: { kind: 'welcome', subjectId: userId } });
}

/**
 * Requests a mail that informs the customer about an order. Further news about orders belongs here. The mail about a confirmed order is held
 * back for `mailHoldMs`, because a mail about what follows soon may replace it.
 */
export function notifyCustomer({ type, data }: OrderMessage, { settings }: Context<{ mailHoldMs: number }>) {
  if (type === 'OrderShipped') {
    return request(mail, { type: 'RequestMail', data: { kind: 'shipped', subjectId: data.orderId } });
  }
  if (type === 'OrderCreated' || data.status === 'pending') return ignored('there is no news yet');
  const { orderId: subjectId, status: kind, reason } = data;
  const holdMs = kind === 'confirmed' ? settings.mailHoldMs : 0;
  return request(mail, { type: 'RequestMail', data: { kind, subjectId, reason, holdMs } });
}
