import { beforeEach, describe, expect, it } from '@jest/globals';
import { createId } from '@warren/kernel';
import { type SharedChange, type StoreTransaction, uniqueClaims } from '../../src/index.ts';
import { executeWrites } from '../../src/store/execute-writes.ts';
import { type Query, toQuery } from '../../src/store/sql.ts';
import { heldOpen, type TestStore, useStoreFixture, waitingForLocks } from '../store-fixture.ts';

const claims = uniqueClaims({ table: 'names', key: 'name', holder: 'owner' });
const [one, other] = [createId(), createId()];
const change = (key: string, before?: string, after?: string): SharedChange<string> => ({
  ...{ key, before, after },
  steps: [after],
});

const lock = async (tx: StoreTransaction, ...keys: string[]) =>
  (await tx.query<{ key: string }>(toQuery(claims.lock(keys)) as Query)).rows.map(({ key }) => key);
const update = (tx: Pick<StoreTransaction, 'query'>, ...changes: SharedChange<string>[]) =>
  executeWrites(tx, claims.update(changes, new Date()));

describe('unique names', () => {
  const fixture = useStoreFixture();
  let opened: TestStore;
  beforeEach(async () => {
    opened = await fixture.open();
    await opened.pool.query('CREATE TABLE names (name text COLLATE "C" PRIMARY KEY, owner uuid NOT NULL)');
  });

  it('when names are read, then they are locked, in the order of the names', async () => {
    const { store } = opened;
    await store.transaction((tx) => update(tx, change('b', undefined, one)));
    await store.transaction((tx) => update(tx, change('a', undefined, one)));
    const release = await heldOpen(store, (tx) => lock(tx, 'a'));
    const second = store.transaction((tx) => lock(tx, 'b', 'a'));
    await waitingForLocks(opened, 1).finally(release);
    expect(await second).toEqual(['a', 'b']);
  });

  it.each([
    ['released', change('a', other)],
    ['moved', change('a', other, one)],
    ['taken', change('a', undefined, other)],
  ])('when a name is to be %s, but is not as it was read, then nothing is kept', async (_, stale) => {
    const { store, pool } = opened;
    await store.transaction((tx) => update(tx, change('a', undefined, one)));
    const tried = store.transaction((tx) => update(tx, change('b', undefined, other), stale));
    await expect(tried).rejects.toMatchObject({ code: 'TRANSACTION_CONTENTION' });
    expect((await pool.query('SELECT name, owner FROM names')).rows).toEqual([{ name: 'a', owner: one }]);
  });

  it('when two take the same names at the same moment, in whatever order, then one waits for the other', async () => {
    const [first, second] = await Promise.all([opened.pool.connect(), opened.pool.connect()]);
    try {
      for (const client of [first, second]) await client.query('BEGIN');
      await update(first, change('a', undefined, one));
      const late = update(second, change('b', undefined, other), change('a', undefined, other)).catch((error) => error);
      await waitingForLocks(opened, 1);
      await update(first, change('b', undefined, one));
      await first.query('COMMIT');
      expect(await late).toMatchObject({ code: 'TRANSACTION_CONTENTION' });
      await second.query('ROLLBACK');
    } finally {
      for (const client of [first, second]) client.release();
    }
  });
});
