import { getEventListeners, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { silentLogger } from '@warren/kernel';
import type { ReadModel } from '../src/application/read-models.ts';
import { createStreamFollower, type StreamFollower } from '../src/application/stream-follower.ts';

const UPDATE_EVERY_MS = 20;
const away = () => Promise.reject(new Error('the database is away'));

let uses: { begun: number; ended: number; announced: number };
let active: () => Promise<ReadModel[]>;
let follow: (signal: AbortSignal) => Promise<unknown>;
let announce: () => Promise<void>;
let follower: StreamFollower;
beforeEach(() => {
  uses = { begun: 0, ended: 0, announced: 0 };
  active = async () => [{ id: 1, readOffset: null } as ReadModel];
  follow = (signal) => once(signal, 'abort');
  announce = async () => undefined;
  follower = createStreamFollower({
    store: { transaction: (work) => work(undefined as never) },
    models: { active: () => active(), clearRetired: async () => false },
    async follow(_, signal) {
      uses.begun += 1;
      await follow(signal).finally(() => {
        uses.ended += 1;
      });
    },
    async announce() {
      uses.announced += 1;
      await announce();
    },
    updateEveryMs: UPDATE_EVERY_MS,
    logger: silentLogger,
  });
});

/** A term in office. */
function lead() {
  const term = new AbortController();
  return {
    look: () => follower.look(term),
    listeners: () => getEventListeners(term.signal, 'abort').length,
    async end() {
      term.abort();
      await follower.finished();
    },
  };
}

describe('who leads the reading of the stream', () => {
  it('when it cannot look what is to be read, then the reading goes on, and the next look is as good as the first', async () => {
    const term = lead();
    await term.look();
    const models = active;
    active = away;
    await expect(term.look()).rejects.toThrow('the database is away');
    active = models;
    await term.look();
    expect(uses).toMatchObject({ begun: 1, ended: 0 });
    expect(follower.condition()).toEqual({ up: true, details: { following: [1] } });
    // That of the reading alone: looks leave nothing behind.
    expect(term.listeners()).toBe(1);
    await term.end();
    expect(uses).toMatchObject({ begun: 1, ended: 1 });
  });

  it('when its term is over, then its reading ends, and the next term begins it again', async () => {
    const first = lead();
    await first.look();
    await first.end();
    expect(follower.condition().up).toBe(false);
    const second = lead();
    await second.look();
    expect(uses).toMatchObject({ begun: 2, ended: 1 });
    await second.end();
    expect(uses.ended).toBe(2);
  });

  it('when the reading fails, then that is its condition, until an attempt lasts', async () => {
    const term = lead();
    follow = () => Promise.reject(new Error('refused'));
    await term.look();
    await new Promise(setImmediate);
    expect(follower.condition()).toMatchObject({ up: false, reason: 'refused', details: { failure: 'refused' } });
    follow = (signal) => once(signal, 'abort');
    await term.look();
    expect(follower.condition().up).toBe(false);
    await term.look();
    expect(follower.condition().up).toBe(true);
    await term.end();
  });

  it('when an announcement fails, then the reading goes on, and the next one is made in its time', async () => {
    const term = lead();
    announce = away;
    await term.look();
    await term.look();
    expect(uses).toMatchObject({ begun: 1, ended: 0, announced: 1 });
    await delay(UPDATE_EVERY_MS + 5);
    await term.look();
    expect(uses).toMatchObject({ begun: 1, ended: 0, announced: 2 });
    await term.end();
  });
});
