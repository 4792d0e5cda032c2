import type { AnalyticsDependencies } from './analytics-dependencies.ts';
import { createCountBatch } from './count-batch.ts';
import type { ReadModel } from './read-models.ts';

/**
 * Keeps a read model up with the stream, from where it is, until it is aborted or another one has taken the model's place. One that is
 * being built becomes the live one as soon as it is as far as that.
 */
export function createFollowStream(dependencies: AnalyticsDependencies) {
  const { store, models, source, clock, logger } = dependencies;
  const countBatch = createCountBatch(dependencies);

  /** Gives whether the model is still being built. */
  async function trySwap(model: ReadModel): Promise<boolean> {
    const swapped = await store.transaction((tx) => models.swap(tx, { id: model.id, now: clock.now() }));
    if (swapped)
      logger.info({ model: model.id, replayId: model.replayId }, 'the replayed figures are the live ones now');
    return !swapped;
  }

  return async (model: ReadModel, signal: AbortSignal): Promise<void> => {
    let offset = model.readOffset;
    let building = model.state === 'building' && (await trySwap(model));
    for await (const batch of source.read(offset === null ? model.startsFrom : { after: offset }, signal)) {
      if (!(await countBatch({ model: model.id, from: offset, batch }))) return;
      offset = batch.lastOffset;
      if (building) building = await trySwap(model);
    }
  };
}
