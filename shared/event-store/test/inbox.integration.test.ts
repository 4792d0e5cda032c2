import { describe, expect, it } from '@jest/globals';
import { createId } from '@warren/kernel';
import { claimFresh } from '../src/index.ts';
import { heldOpen, newEvent, useStoreFixture, waitingForLocks } from './store-fixture.ts';

describe('the inbox', () => {
  const fixture = useStoreFixture();

  it('when a message is claimed twice, then only the first claim gets it', async () => {
    const { store } = await fixture.open();
    const [one, two, three] = [createId(), createId(), createId()];

    const first = await store.transaction((tx) => tx.claim('queue', [one, two, one]));
    const second = await store.transaction((tx) => tx.claim('queue', [two, three]));

    expect(first).toEqual(new Set([one, two]));
    expect(second).toEqual(new Set([three]));
  });

  it('when two consumers claim the same message, then each gets it', async () => {
    const { store } = await fixture.open();
    const id = createId();
    const claims = ['one', 'two'].map((consumer) => store.transaction((tx) => tx.claim(consumer, [id])));

    expect(await Promise.all(claims)).toEqual([new Set([id]), new Set([id])]);
  });

  it('when the same message is claimed in ten transactions at once, then its effect happens once', async () => {
    const { store, pool } = await fixture.open();
    await pool.query('CREATE TABLE effects (id uuid)');
    const id = createId();
    const handle = () =>
      store.transaction(async (tx) => {
        for (const claimed of await tx.claim('queue', [id]))
          await tx.query('INSERT INTO effects VALUES ($1)', [claimed]);
      });

    await Promise.all(Array.from({ length: 10 }, handle));

    expect((await pool.query('SELECT * FROM effects')).rowCount).toBe(1);
  });

  it('when the claiming transaction fails, then a simultaneous claim that waited for it gets the message', async () => {
    const test = await fixture.open();
    const id = createId();
    const rollBack = await heldOpen(test.store, (tx) => tx.claim('queue', [id]));
    const waiting = test.store.transaction((tx) => tx.claim('queue', [id]));
    await waitingForLocks(test, 1);

    await rollBack();

    expect(await waiting).toEqual(new Set([id]));
  });

  it('when batches claim the same messages in opposite orders, then neither waits for the other in a circle', async () => {
    const test = await fixture.open();
    const ids = [createId(), createId(), createId()].toSorted();
    let tries = 0;
    const claim = (batch: string[]) =>
      test.store.transaction((tx) => {
        tries += 1;
        return tx.claim('queue', batch);
      });
    const rollBack = await heldOpen(test.store, (tx) => tx.claim('queue', ids.slice(1, 2)));
    const claims = [claim(ids), claim(ids.toReversed())];
    await waitingForLocks(test, 2);

    await rollBack();

    const claimed = await Promise.all(claims);
    expect(claimed.flatMap((set) => [...set]).toSorted()).toEqual(ids);
    expect(tries).toBe(2);
  });

  it('when a batch holds a message twice, or one that was handled, then claimFresh gives the others once, in their order', async () => {
    const { store } = await fixture.open();
    const [one, two, three] = [{ id: createId() }, { id: createId() }, { id: createId() }];
    await store.transaction((tx) => tx.claim('queue', [two.id]));

    const fresh = await store.transaction((tx) => claimFresh(tx, 'queue', [three, two, one, { ...three }]));

    expect(fresh).toEqual([three, one]);
  });

  it('when an id is written in capitals, then it is the same message, and the caller gets it back as given', async () => {
    const { store } = await fixture.open();
    const id = createId();

    expect(await store.transaction((tx) => tx.claim('queue', [id.toUpperCase()]))).toEqual(new Set([id.toUpperCase()]));
    expect(await store.transaction((tx) => tx.claim('queue', [id]))).toEqual(new Set());
  });

  it('when an id is not a UUID, then MESSAGE_ID_INVALID, and the events of the transaction are not stored', async () => {
    const { store } = await fixture.open();
    const work = store.transaction(async (tx) => {
      await tx.append([{ streamId: 's-1', expectedVersion: 0, events: [newEvent(1)] }]);
      await tx.claim('queue', ['42']);
    });

    await expect(work).rejects.toMatchObject({ code: 'MESSAGE_ID_INVALID', kind: 'invalid' });
    expect((await store.load(['s-1'])).get('s-1')).toEqual([]);
  });
});
