import { DateTime, defineEvent, EmailAddress, ShortText } from '@warren/contracts';
import { Type } from 'typebox';
import { EXCHANGES } from './topology.ts';

/** The news about an order that a customer gets by mail. */
export const ORDER_NEWS = ['confirmed', 'shipped', 'cancelled'] as const;
export type OrderNews = (typeof ORDER_NEWS)[number];

/** The mail server has accepted the welcome mail of a new user. */
export const WelcomeEmailSent = defineEvent({
  type: 'WelcomeEmailSent',
  version: 1,
  exchange: EXCHANGES.notifications,
  routingKey: 'notification.welcome-sent',
  schema: Type.Object({ userId: ShortText, email: EmailAddress, sentAt: DateTime }),
});

/** The mail server has accepted a mail that informs a customer about an order. */
export const CustomerNotified = defineEvent({
  type: 'CustomerNotified',
  version: 1,
  exchange: EXCHANGES.notifications,
  routingKey: 'notification.customer-notified',
  schema: Type.Object({
    customerId: ShortText,
    orderId: ShortText,
    news: Type.Enum([...ORDER_NEWS]),
    email: EmailAddress,
    sentAt: DateTime,
  }),
});
