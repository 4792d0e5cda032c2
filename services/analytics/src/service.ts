import { shopCatalogue } from '@shop/events/catalogue';
import { STREAMS } from '@shop/events/topology';
import { expiryRule } from '@warren/event-store';
import { type Context, defineService, type ServiceInside } from '@warren/service';
import { analyticsRoutes } from './adapters/http/analytics-routes.ts';
import { createFigureQueries } from './adapters/postgres/figure-queries.ts';
import { analyticsMigrations } from './adapters/postgres/migrations.ts';
import { createModelTables } from './adapters/postgres/model-tables.ts';
import { announce } from './application/announce.ts';
import { followStream } from './application/follow-stream.ts';
import { createStreamFollower, streamJob } from './application/stream-follower.ts';
import { analytics } from './domain/analytics.ts';
import { type AnalyticsSettings, analyticsSettings } from './settings.ts';

function createParts(context: Context<AnalyticsSettings>, { readStream }: ServiceInside) {
  const { store, logger, settings } = context;
  const parts = { ...context, models: createModelTables(store), figures: createFigureQueries(store), readStream };
  const follower = createStreamFollower({
    ...{ store, models: parts.models, updateEveryMs: settings.updateEveryMs, logger },
    follow: (model, signal) => followStream(parts, model, signal),
    announce: () => announce(parts),
  });
  return { models: parts.models, figures: parts.figures, follower };
}

/** The analytics service: computes figures from the stream of all events. */
export const analyticsService = defineService({
  name: 'analytics',
  port: 3006,
  optional: true,
  settings: analyticsSettings,
  aggregates: [analytics],
  reads: [{ stream: STREAMS.events, contracts: shopCatalogue.contracts }],
  dependencies: createParts,
  jobs: [streamJob],
  routes: analyticsRoutes,
  migrations: analyticsMigrations,
  // An order needs no facts once the inbox has forgotten its events, because a duplicate would count again anyway.
  retention: ({ inboxKeepMs }) => [expiryRule({ table: 'order_fact', column: 'touched_at', keepMs: inboxKeepMs })],
});
