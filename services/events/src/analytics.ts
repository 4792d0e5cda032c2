import { DateTime, defineEvent } from '@warren/contracts';
import { Type } from 'typebox';
import { Currency } from './order.ts';
import { EXCHANGES } from './topology.ts';

const Count = Type.Integer({ minimum: 0 });

/** The figures of the analytics service have changed. `data` has those of the last hour; the API has all. */
export const AnalyticsUpdated = defineEvent({
  type: 'AnalyticsUpdated',
  version: 1,
  exchange: EXCHANGES.analytics,
  routingKey: 'analytics.updated',
  schema: Type.Object({
    from: DateTime,
    to: DateTime,
    /** Events of any type in that time. */
    events: Count,
    orders: Type.Object({ created: Count, confirmed: Count, cancelled: Count }),
    /** By currency: the sum of the totals of orders that were confirmed in that time and still are. Sums of 0 are left out. */
    revenue: Type.Record(Currency, Type.Number()),
    /** The share of ended orders that were confirmed; absent when none has ended. */
    confirmationRate: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  }),
});
