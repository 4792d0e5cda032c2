import { DateTime, defineEvent } from '@warren/contracts';
import { Type } from 'typebox';
import { Currency } from './order.ts';
import { EXCHANGES } from './topology.ts';

const Count = Type.Integer({ minimum: 0 });

/** The figures of the analytics service have changed. `data` are those of the last hour; its API has all of them. */
export const AnalyticsUpdated = defineEvent({
  type: 'AnalyticsUpdated',
  version: 1,
  exchange: EXCHANGES.analytics,
  routingKey: 'analytics.updated',
  schema: Type.Object({
    from: DateTime,
    to: DateTime,
    /** Events of any type that happened in that time. */
    events: Count,
    orders: Type.Object({ created: Count, confirmed: Count, cancelled: Count }),
    /** By currency: sum of the totals of the orders that were confirmed in that time, and are still. Only what is not 0. */
    revenue: Type.Record(Currency, Type.Number()),
    /** Of the orders that ended, how many were confirmed; absent when none has ended. */
    confirmationRate: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  }),
});
