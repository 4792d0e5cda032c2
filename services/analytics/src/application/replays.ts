import { createId } from '@warren/kernel';
import { analyticsErrors } from '../domain/analytics-errors.ts';
import type { AnalyticsDependencies } from './analytics-dependencies.ts';
import type { ReplayStart } from './event-source.ts';
import type { ReadModel } from './read-models.ts';

/** A replay as the API shows it. */
export interface ReplayView {
  id: string;
  state: 'running' | 'done';
  from: ReplayStart;
  /** Of the last message read; null before the first. */
  offset: number | null;
  /** Where the live figures were when it began; null when they had read nothing. */
  target: number | null;
  /** Events counted so far. */
  events: number;
  /** ISO 8601, UTC. */
  startedAt: string;
  finishedAt?: string;
}

/** Asks for replays and tells how they get on. Whoever leads carries them out, and goes on with them after a restart. */
export function createReplays(
  { store, models, clock }: Pick<AnalyticsDependencies, 'store' | 'models' | 'clock'>,
  onRequested: () => void,
) {
  return {
    /** @throws `ANALYTICS_REPLAY_AHEAD`, `ANALYTICS_REPLAY_RUNNING` */
    async startReplay(startsFrom: ReplayStart): Promise<ReplayView> {
      const now = clock.now();
      await requireReached(startsFrom, now);
      const replay = { replayId: createId(), startsFrom, now };
      const model = await store.transaction((tx) => models.begin(tx, replay));
      if (!model) throw await running();
      onRequested();
      return toView(model);
    },
    async getReplay(replayId: string): Promise<ReplayView> {
      const model = await models.findReplay(replayId);
      if (!model) throw analyticsErrors.ANALYTICS_REPLAY_NOT_FOUND(`there is no replay ${replayId}`);
      return toView(model);
    },
  };

  /** The next message to come is near enough. */
  async function requireReached(start: ReplayStart, now: Date): Promise<void> {
    if (start === 'first') return;
    if ('offset' in start) return requireRead(start.offset);
    if (Date.parse(start.timestamp) > now.getTime())
      throw analyticsErrors.ANALYTICS_REPLAY_AHEAD(`it is ${now.toISOString()} now`);
  }

  async function requireRead(offset: number): Promise<void> {
    const live = (await models.active()).find(({ state }) => state === 'live');
    const next = (live?.readOffset ?? -1) + 1;
    if (offset > next) throw analyticsErrors.ANALYTICS_REPLAY_AHEAD(`the next message has the offset ${next}`);
  }

  async function running() {
    const replayId = (await models.active()).find(({ state }) => state === 'building')?.replayId;
    return analyticsErrors.ANALYTICS_REPLAY_RUNNING('another replay is running', {
      details: { members: { replayId } },
    });
  }
}

function toView(model: ReadModel): ReplayView {
  const { replayId, state, startsFrom, readOffset, targetOffset, events, startedAt, finishedAt } = model;
  return {
    id: replayId ?? '',
    state: state === 'building' ? 'running' : 'done',
    from: startsFrom,
    offset: readOffset,
    target: targetOffset,
    events,
    startedAt: startedAt.toISOString(),
    ...(finishedAt && { finishedAt: finishedAt.toISOString() }),
  };
}
