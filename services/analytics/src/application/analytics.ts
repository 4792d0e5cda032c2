import type { AnalyticsDependencies } from './analytics-dependencies.ts';
import type { ReplayStart } from './event-source.ts';
import type { FigureQueries } from './figures.ts';
import { createReplays, type ReplayView } from './replays.ts';

/** What can be asked of the analytics service. */
export interface Analytics extends FigureQueries {
  /** Makes the figures anew from a place of the stream on. The present ones answer until that is done. @throws `ANALYTICS_REPLAY_RUNNING` */
  startReplay(from: ReplayStart): Promise<ReplayView>;
  /** @throws `ANALYTICS_REPLAY_NOT_FOUND` */
  getReplay(replayId: string): Promise<ReplayView>;
}

/** @param onReplay called when a replay was asked for */
export function createAnalytics(dependencies: AnalyticsDependencies, onReplay: () => void): Analytics {
  return { ...dependencies.figures, ...createReplays(dependencies, onReplay) };
}
