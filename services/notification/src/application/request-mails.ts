import {
  type EventOf,
  ignored,
  type OrderCreated,
  type OrderShipped,
  type OrderStatusUpdated,
  request,
  type UserDeactivated,
  type UserEmailChanged,
  type UserRegistered,
} from '@warren/contracts';
import type { Context } from '@warren/service';
import { mail } from '../domain/mail.ts';

/** What the service hears of users. */
export type UserNews = EventOf<typeof UserRegistered | typeof UserEmailChanged | typeof UserDeactivated>;

/** What the service hears of orders. */
export type OrderMessage = EventOf<typeof OrderCreated | typeof OrderStatusUpdated | typeof OrderShipped>;

/** A new user is to be welcomed. */
export function welcomeUser({ type, data: { userId } }: UserNews) {
  if (type !== 'UserRegistered') return ignored('no mail tells of that');
  return request(mail, { type: 'RequestMail', data: { kind: 'welcome', subjectId: userId } });
}

/**
 * The customer of an order is to be told what became of it. What else an order can go through that its customer should hear of has its
 * place here. That an order is confirmed is held back for a while: what follows soon says more.
 */
export function notifyCustomer({ type, data }: OrderMessage, { settings }: Context<{ mailHoldMs: number }>) {
  if (type === 'OrderShipped') {
    return request(mail, { type: 'RequestMail', data: { kind: 'shipped', subjectId: data.orderId } });
  }
  if (type === 'OrderCreated' || data.status === 'pending') return ignored('there is nothing to tell yet');
  const { orderId: subjectId, status: kind, reason } = data;
  const holdMs = kind === 'confirmed' ? settings.mailHoldMs : 0;
  return request(mail, { type: 'RequestMail', data: { kind, subjectId, reason, holdMs } });
}
