import { createLeader, type DatabasePool, type EventStore, type LeaderTerm } from '@warren/event-store';
import type { Component, Logger } from '@warren/kernel';
import type { ReadModel, ReadModels } from '../../application/read-models.ts';

export interface StreamLeaderOptions {
  pool: DatabasePool;
  store: Pick<EventStore, 'transaction'>;
  models: Pick<ReadModels, 'active' | 'clearRetired'>;
  /** Keeps one model up with the stream until the signal is aborted. */
  follow(model: ReadModel, signal: AbortSignal): Promise<void>;
  announce(): Promise<void>;
  updateEveryMs: number;
  logger: Logger;
}

/** How often it looks for a replay that another instance was asked for, and for one that failed, in milliseconds. */
const LOOK_MS = 500;

export interface StreamLeader extends Component {
  /** Looks at once. */
  wake(): void;
}

/**
 * Whoever leads follows the stream with every active read model and announces what has changed; the others stand by. What fails is begun
 * again from what the database says; an announcement that fails comes with the next one.
 */
export function createStreamLeader(options: StreamLeaderOptions): StreamLeader {
  const { pool, store, models, follow, announce, updateEveryMs, logger } = options;
  const following = new Map<number, Promise<void>>();
  /** Of the models whose last attempt failed, why. */
  const failures = new Map<number, string>();
  let wake: () => void = () => undefined;

  function begin(model: ReadModel, over: AbortSignal): void {
    logger.info({ model: model.id, offset: model.readOffset }, 'the stream is followed');
    const work = follow(model, over)
      .catch((err) => {
        failures.set(model.id, (err as Error).message);
        logger.error({ err, model: model.id }, 'the stream cannot be followed: trying again');
      })
      .finally(() => following.delete(model.id));
    following.set(model.id, work);
  }

  async function look(over: AbortSignal): Promise<void> {
    for (const model of await models.active()) {
      // An attempt that has lasted until now has not failed.
      if (following.has(model.id)) failures.delete(model.id);
      else begin(model, over);
    }
    while (!over.aborted && (await store.transaction((tx) => models.clearRetired(tx))));
  }

  const rest = (ms: number, over: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        over.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      wake = end;
      over.addEventListener('abort', end);
      if (over.aborted) end();
    });

  async function lead(term: LeaderTerm): Promise<void> {
    let announcedAt = Number.NEGATIVE_INFINITY;
    // Of an earlier term: its models may be retired.
    failures.clear();
    // The reading ends also where the rest fails: nobody may lead on by halves.
    const failed = new AbortController();
    const over = AbortSignal.any([term.over, failed.signal]);
    try {
      while (!over.aborted) {
        await look(over);
        if (performance.now() - announcedAt >= updateEveryMs) {
          await announce().catch((err) => logger.error({ err }, 'what was counted cannot be announced: trying again'));
          announcedAt = performance.now();
        }
        await rest(Math.min(LOOK_MS, updateEveryMs), over);
      }
    } finally {
      failed.abort();
      await Promise.all(following.values());
    }
  }

  const leader = createLeader({ pool, kind: 'analytics', name: 'stream', lead, logger });
  return {
    name: 'stream',
    start: async () => leader.start(),
    stop: () => leader.stop(),
    health() {
      const { state } = leader;
      const [failure] = failures.values();
      const up = state === 'standby' || (state === 'leading' && following.size > 0 && failure === undefined);
      const idle = state === 'leading' ? 'no read model follows the stream' : 'it has no session on the database yet';
      const reason = failure ?? leader.failure ?? idle;
      const details = { state, following: [...following.keys()], ...(failure && { failure }) };
      return { up, ...(!up && { reason }), details };
    },
    wake: () => wake(),
  };
}
