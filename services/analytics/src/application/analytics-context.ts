import type { Context } from '@warren/service';
import type { FigureQueries } from './figures.ts';
import type { ReadModels } from './read-models.ts';

/** What the use cases of the analytics service get. */
export interface AnalyticsContext extends Context {
  readonly models: ReadModels;
  readonly figures: FigureQueries;
}
