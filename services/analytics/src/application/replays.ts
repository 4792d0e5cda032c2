import type { RequestOf } from '@warren/contracts';
import { createId } from '@warren/kernel';
import { type Static, Type } from 'typebox';
import { analyticsErrors } from '../domain/analytics-errors.ts';
import type { AnalyticsContext } from './analytics-context.ts';
import type { ReadModel, ReadModels, ReplayStart } from './read-models.ts';

const OrNull = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

/** A replay as the API returns it. Times are ISO 8601, UTC. */
export const ReplayView = Type.Object({
  id: Type.String(),
  state: Type.Enum(['running', 'done']),
  from: Type.Unsafe<ReplayStart>({}),
  /** Offset of the last message read; null before the first. */
  offset: OrNull(Type.Integer()),
  /** Offset of the live figures when the replay began; null when they had read nothing. */
  target: OrNull(Type.Integer()),
  /** Events counted so far. */
  events: Type.Integer(),
  startedAt: Type.String(),
  finishedAt: Type.Optional(Type.String()),
});
export type ReplayView = Static<typeof ReplayView>;

export const replayNotFound = (id: string) => analyticsErrors.ANALYTICS_REPLAY_NOT_FOUND(`there is no replay ${id}`);

/**
 * Requests that the figures be rebuilt from a place in the stream. The current figures answer queries until that is done. The leader
 * carries out the replay and resumes it after a restart.
 * @throws `ANALYTICS_REPLAY_AHEAD`, `ANALYTICS_REPLAY_RUNNING`
 */
export async function startReplay(
  { store, models, clock }: AnalyticsContext,
  startsFrom: ReplayStart,
): Promise<ReplayView> {
  const now = clock.now();
  await requireReached(models, startsFrom, now);
  const replay = { replayId: createId(), startsFrom, now };
  const model = await store.transaction((tx) => models.begin(tx, replay));
  if (!model) throw await running(models);
  return toView(model);
}

/** Returns the progress of a replay. @throws `ANALYTICS_REPLAY_NOT_FOUND` */
export async function getReplay({ models }: AnalyticsContext, { id }: RequestOf<{ id: string }>): Promise<ReplayView> {
  const model = await models.findReplay(id);
  if (!model) throw replayNotFound(id);
  return toView(model);
}

/** A replay may begin at the next message at the latest. */
async function requireReached(models: ReadModels, start: ReplayStart, now: Date): Promise<void> {
  if (start === 'first') return;
  if ('offset' in start) return requireRead(models, start.offset);
  if (Date.parse(start.timestamp) > now.getTime())
    throw analyticsErrors.ANALYTICS_REPLAY_AHEAD(`it is ${now.toISOString()} now`);
}

async function requireRead(models: ReadModels, offset: number): Promise<void> {
  const live = (await models.active()).find(({ state }) => state === 'live');
  const next = (live?.readOffset ?? -1) + 1;
  if (offset > next) throw analyticsErrors.ANALYTICS_REPLAY_AHEAD(`the next message has the offset ${next}`);
}

async function running(models: ReadModels) {
  const replayId = (await models.active()).find(({ state }) => state === 'building')?.replayId;
  return analyticsErrors.ANALYTICS_REPLAY_RUNNING('another replay is running', { details: { members: { replayId } } });
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
