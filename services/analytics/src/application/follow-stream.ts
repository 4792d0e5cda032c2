import { STREAMS } from '@shop/events/topology';
import type { ServiceInside } from '@warren/service';
import type { AnalyticsContext } from './analytics-context.ts';
import { countBatch } from './count-batch.ts';
import type { ReadModel, ReplayStart } from './read-models.ts';

type Following = Pick<AnalyticsContext, 'store' | 'models' | 'clock' | 'logger'> & Pick<ServiceInside, 'readStream'>;

/**
 * Keeps a read model up to date with the stream, starting at its offset, until it is aborted or another model has replaced it. A model that
 * is being built becomes live as soon as it has caught up with the live one.
 */
export async function followStream(following: Following, model: ReadModel, signal: AbortSignal): Promise<void> {
  let offset = model.readOffset;
  let building = model.state === 'building' && (await trySwap(following, model));
  const from = offset === null ? startOf(model.startsFrom) : { after: offset };
  for await (const { events, lastOffset } of following.readStream(STREAMS.events, { from, signal })) {
    const batch = { model: model.id, from: offset, events: events.map(({ event }) => event), lastOffset };
    if (!(await countBatch(following, batch))) return;
    offset = lastOffset;
    if (building) building = await trySwap(following, model);
  }
}

/** @returns whether the model is still being built */
async function trySwap({ store, models, clock, logger }: Following, model: ReadModel): Promise<boolean> {
  const swapped = await store.transaction((tx) => models.swap(tx, { id: model.id, now: clock.now() }));
  if (swapped) logger.info({ model: model.id, replayId: model.replayId }, 'the replayed figures are now live');
  return !swapped;
}

const startOf = (start: ReplayStart) =>
  typeof start === 'object' && 'timestamp' in start ? { timestamp: new Date(start.timestamp) } : start;
