import { DateTime, defineEvent, EmailAddress, ShortText } from '@warren/contracts';
import { Type } from 'typebox';
import { EXCHANGES } from './topology.ts';

/** What a customer is told about an order. */
export const ORDER_NEWS = ['confirmed', 'shipped', 'cancelled'] as const;
export type OrderNews = (typeof ORDER_NEWS)[number];

/** A mail server has taken the mail that welcomes a new user. */
export const WelcomeEmailSent = defineEvent({
  type: 'WelcomeEmailSent',
  version: 1,
  exchange: EXCHANGES.notifications,
  routingKey: 'notification.welcome-sent',
  schema: Type.Object({ userId: ShortText, email: EmailAddress, sentAt: DateTime }),
});

/** A mail server has taken the mail that tells a customer what became of an order. */
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
