import type { EventStore } from '@warren/event-store';
import type { Clock, Logger } from '@warren/kernel';
import type { EventSource } from './event-source.ts';
import type { FigureQueries } from './figures.ts';
import type { ReadModels } from './read-models.ts';

/** What the analytics service needs of the world. */
export interface AnalyticsDependencies {
  store: EventStore;
  models: ReadModels;
  figures: FigureQueries;
  source: EventSource;
  clock: Clock;
  logger: Logger;
}
