import { describe, expect, it } from '@jest/globals';
import type { DatabasePool } from '../src/database/create-pool.ts';
import { runTransaction } from '../src/database/run-transaction.ts';

/** A pool whose one connection notes what it is asked, and whether it is thrown away when it is given back. */
function recordingPool() {
  const asked: string[] = [];
  const dropped: boolean[] = [];
  const client = {
    query: async (sql: string) => {
      asked.push(sql);
      return { command: sql };
    },
    release: (drop: boolean) => void dropped.push(drop),
  };
  const writes = { connect: async () => client };
  const pool = { writes } as unknown as DatabasePool;
  return { asked, dropped, pool };
}

describe('runTransaction', () => {
  it('when the connection gives no answer any more, then nothing is sent over it and it is thrown away', async () => {
    const { asked, dropped, pool } = recordingPool();
    const work = () => Promise.reject(new Error('Query read timeout'));
    await expect(runTransaction(pool, work, () => {})).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    expect(asked).toEqual([expect.stringMatching(/^BEGIN/)]);
    expect(dropped).toEqual([true]);
  });

  it('when the work fails, then it is rolled back and the connection is kept', async () => {
    const { asked, dropped, pool } = recordingPool();
    await expect(
      runTransaction(
        pool,
        () => Promise.reject(new Error('no')),
        () => {},
      ),
    ).rejects.toThrow('no');
    expect(asked).toEqual([expect.stringMatching(/^BEGIN/), 'ROLLBACK']);
    expect(dropped).toEqual([false]);
  });
});
