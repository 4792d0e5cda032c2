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

/** How often what it needs was used; one of them fails at its second use. */
async function lead(failing: 'look' | 'announce', enough: (uses: Record<string, number>) => boolean) {
  const uses = { begun: 0, ended: 0, look: 0, announce: 0, listeners: 0 };
  let term: AbortSignal | undefined;
  function use(name: 'look' | 'announce'): void {
    uses[name] += 1;
    if (name === failing && uses[name] === 2) throw new Error('the database is away');
  }
  const leader = createStreamLeader({
    pool,
    store: createEventStore({ pool }),
    models: {
      async active() {
        use('look');
        return [model];
      },
      clearRetired: async () => false,
    },
    async follow(_, signal) {
      uses.begun += 1;
      term = signal;
      await once(signal, 'abort');
      uses.ended += 1;
    },
    async announce() {
      uses.listeners = term ? getEventListeners(term, 'abort').length : 0;
      use('announce');
    },
    updateEveryMs: 100,
    logger: silentLogger,
  });
  await leader.start?.();
  await waitUntil(() => enough(uses));
  const atTheEnd = { ...uses };
  await leader.stop?.();
  expect(uses.ended).toBe(uses.begun);
  return atTheEnd;
}

describe('who leads the reading of the stream', () => {
  it('when it cannot look what is to be read, then the term ends with its reading, and both are begun again', async () => {
    const uses = await lead('look', ({ look = 0 }) => look >= 5);
    expect(uses).toMatchObject({ begun: 2, ended: 1 });
    // That of the reading alone: the pauses between two looks leave nothing behind.
    expect(uses.listeners).toBe(1);
  });

  it('when an announcement fails, then the reading goes on, and the next one is made', async () => {
    const uses = await lead('announce', ({ announce = 0 }) => announce >= 4);
    expect(uses).toMatchObject({ begun: 1, ended: 0 });
  });
});
