import { getEventListeners, once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createEventStore, createPool, type DatabasePool } from '@warren/event-store';
import { silentLogger } from '@warren/kernel';
import { createTestDatabase, type TestDatabase, waitUntil } from '@warren/testing';
import { createStreamLeader } from '../src/adapters/jobs/stream-leader.ts';
import type { ReadModel } from '../src/application/read-models.ts';

const model = { id: 1, readOffset: null } as ReadModel;

let database: TestDatabase;
let pool: DatabasePool;
beforeEach(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, schema: 'public' });
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

describe('who leads the reading of the stream', () => {
  it('when an announcement fails, then the term ends with its reading, and both are begun again', async () => {
    let term: AbortSignal | undefined;
    let begun = 0;
    let ended = 0;
    let announcements = 0;
    let listeners = 0;
    const leader = createStreamLeader({
      pool,
      store: createEventStore({ pool }),
      models: { active: async () => [model], clearRetired: async () => false },
      async follow(_, signal) {
        begun += 1;
        term = signal;
        await once(signal, 'abort');
        ended += 1;
      },
      async announce() {
        announcements += 1;
        listeners = term ? getEventListeners(term, 'abort').length : 0;
        if (announcements === 1) throw new Error('the database is away');
      },
      updateEveryMs: 100,
      logger: silentLogger,
    });
    await leader.start?.();
    await waitUntil(() => announcements >= 5);
    // That of the reading alone: the pauses between two looks leave nothing behind.
    expect(listeners).toBe(1);
    expect({ begun, ended }).toEqual({ begun: 2, ended: 1 });
    await leader.stop?.();
    expect(ended).toBe(2);
  });
});
