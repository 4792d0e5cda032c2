import type { Context } from '@warren/service';
import type { FigureQueries } from './figures.ts';
import type { ReadModels } from './read-models.ts';

/** The context of the analytics service's use cases. */
export interface AnalyticsContext extends Context {
  readonly models: ReadModels;
  readonly figures: FigureQueries;
}
