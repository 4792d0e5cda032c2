import { get, post, routesAbout } from '@warren/http';
import { Type } from 'typebox';
import type { AnalyticsContext } from '../../application/analytics-context.ts';
import { MinuteFigures, ProductFigures, Summary } from '../../application/figures.ts';
import { getReplay, ReplayView, replayNotFound, startReplay } from '../../application/replays.ts';
import { MinutesQuery, ProductsQuery, ReplayBody, startOf, WindowQuery, windowOf } from './analytics-requests.ts';

const Minutes = Type.Object({ items: Type.Array(MinuteFigures) });
const Products = Type.Object({ items: Type.Array(ProductFigures) });

const location = ({ id }: ReplayView) => `/analytics/replays/${id}`;

/** The HTTP API of the analytics service: see docs/api.md for examples. */
export const analyticsRoutes = routesAbout<AnalyticsContext>({ missing: replayNotFound }, [
  get('/analytics/summary', { query: WindowQuery, answer: Summary }, ({ figures, clock }: AnalyticsContext, query) =>
    figures.summary(windowOf(query, clock.now())),
  ),
  get(
    '/analytics/minutes',
    { query: MinutesQuery, answer: Minutes },
    async ({ figures, clock }: AnalyticsContext, { limit, ...query }) => ({
      items: await figures.minutes({ ...windowOf(query, clock.now()), limit }),
    }),
  ),
  get(
    '/analytics/products',
    { query: ProductsQuery, answer: Products },
    async ({ figures }: AnalyticsContext, { limit }) => ({ items: await figures.products(limit) }),
  ),
  post(
    '/analytics/replays',
    { body: ReplayBody, answer: ReplayView, location, accepted: true },
    (context: AnalyticsContext, body) => startReplay(context, startOf(body)),
  ),
  get('/analytics/replays/:id', { answer: ReplayView }, getReplay),
]);
