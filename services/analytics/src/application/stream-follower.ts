import type { ComponentHealth, Logger } from '@warren/kernel';
import { type Context, defineJob, type Turn } from '@warren/service';
import type { ReadModel, ReadModels } from './read-models.ts';

export interface StreamFollowerOptions {
  store: Pick<Context['store'], 'transaction'>;
  models: Pick<ReadModels, 'active' | 'clearRetired'>;
  /** Keeps one model up to date with the stream until the signal is aborted. */
  follow(model: ReadModel, signal: AbortSignal): Promise<void>;
  announce(): Promise<void>;
  updateEveryMs: number;
  logger: Logger;
}

/** Follows the stream with every active read model, and announces changes. */
export interface StreamFollower {
  /** Starts the models that do not follow the stream yet; a failed one starts again from its offset in the database. */
  look(turn: Pick<Turn, 'signal'>): Promise<void>;
  /** Resolves when no model follows the stream any more. */
  finished(): Promise<void>;
  condition(): ComponentHealth;
}

/** How often it looks for requested replays and failed models, in milliseconds. */
const LOOK_MS = 500;

/** A failed announcement is made up for by the next one. */
export function createStreamFollower(options: StreamFollowerOptions): StreamFollower {
  const { store, models, follow, announce, updateEveryMs, logger } = options;
  const following = new Map<number, Promise<void>>();
  /** Why the last attempt failed, by model. */
  const failures = new Map<number, string>();
  let announcedAt = Number.NEGATIVE_INFINITY;

  function begin(model: ReadModel, over: AbortSignal): void {
    logger.info({ model: model.id, offset: model.readOffset }, 'following the stream');
    const work = follow(model, over)
      .catch((err) => {
        failures.set(model.id, (err as Error).message);
        logger.error({ err, model: model.id }, 'cannot follow the stream: retrying');
      })
      .finally(() => following.delete(model.id));
    following.set(model.id, work);
  }

  return {
    async look({ signal }) {
      for (const model of await models.active()) {
        // An attempt that has lasted until now has not failed.
        if (following.has(model.id)) failures.delete(model.id);
        else begin(model, signal);
      }
      while (!signal.aborted && (await store.transaction((tx) => models.clearRetired(tx))));
      if (signal.aborted || performance.now() - announcedAt < updateEveryMs) return;
      await announce().catch((err) => logger.error({ err }, 'cannot announce the figures: retrying'));
      announcedAt = performance.now();
    },
    async finished() {
      await Promise.all(following.values());
      // The next leader may retire these models.
      failures.clear();
    },
    condition() {
      const [failure] = failures.values();
      const up = following.size > 0 && failure === undefined;
      const details = { following: [...following.keys()], ...(failure && { failure }) };
      return { up, ...(!up && { reason: failure ?? 'no read model follows the stream' }), details };
    },
  };
}

/** The leader follows the stream; other instances stand by. */
export const streamJob = defineJob({
  name: 'stream',
  // The lock of release 0.2, so that an instance of it and one of this release take turns.
  alone: ['analytics', 'stream'],
  everyMs: ({ settings }: { settings: { updateEveryMs: number }; follower: StreamFollower }) =>
    Math.min(LOOK_MS, settings.updateEveryMs),
  run: ({ follower }, turn) => follower.look(turn),
  // Batches in progress should overlap with those of the next leader as little as possible.
  stop: ({ follower }) => follower.finished(),
  health: ({ follower }) => follower.condition(),
});
