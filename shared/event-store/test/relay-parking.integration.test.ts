import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { createMetricsRegistry } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import { numbersOf } from './recording-publisher.ts';
import { caughtUp, published, type TestRelay, useRelayFixture } from './relay-fixture.ts';
import { append, newEvent } from './store-fixture.ts';

describe('parked events', () => {
  const fixture = useRelayFixture();
  const parkedRows = async ({ pool }: TestRelay) =>
    (await pool.query('SELECT stream_id, reason FROM parked_events WHERE published_at IS NULL ORDER BY position')).rows;

  /** Returns the events with these numbers, until told otherwise. */
  function returning({ publisher }: TestRelay, ...numbers: number[]): Set<number> {
    const unwanted = new Set(numbers);
    publisher.answer = (event) =>
      unwanted.has(numbersOf([event])[0] ?? 0) ? { status: 'returned', reason: 'no queue' } : { status: 'confirmed' };
    return unwanted;
  }

  it('when no queue wants an event, then it is parked with its reason, and the line goes on', async () => {
    const metrics = createMetricsRegistry('test', { collectDefaults: false });
    const test = await fixture.start({ metrics });
    returning(test, 1);
    await append(test.store, 's-1', 0, 1);
    await append(test.store, 's-2', 0, 2);

    await published(test.publisher, 2);
    await caughtUp(test);
    expect(await parkedRows(test)).toEqual([{ stream_id: 's-1', reason: 'no queue' }]);
    await waitUntil(async () => (await test.relay.health()).details?.parked === 1);
    expect(await metrics.metrics()).toContain('warren_relay_parked_total{service="test"} 1');
  });

  it('when an event is parked, then the later ones of its stream are parked behind it, and all come out in order', async () => {
    const test = await fixture.start();
    const unwanted = returning(test, 1);
    await append(test.store, 's-1', 0, 1, 2);
    await append(test.store, 's-1', 2, 3);
    await waitUntil(async () => (await parkedRows(test)).length === 3);
    expect(numbersOf(test.publisher.sent)).not.toContain(2);

    unwanted.clear();

    await published(test.publisher, 1, 2, 3);
    await waitUntil(async () => (await parkedRows(test)).length === 0);
    await append(test.store, 's-1', 3, 4);
    await published(test.publisher, 1, 2, 3, 4);
  });

  it('when a parked event is published at last, then the time of that is kept for a while', async () => {
    const test = await fixture.open();
    const published = async () =>
      (await test.pool.query('SELECT published_at > since AS later FROM parked_events WHERE published_at IS NOT NULL'))
        .rows;
    const relayed = fixture.relayOn(test);
    const unwanted = returning(relayed, 1);
    await relayed.relay.start();
    await append(test.store, 's-1', 0, 1);
    await waitUntil(async () => (await parkedRows(relayed)).length === 1);
    unwanted.clear();
    await waitUntil(async () => (await published()).length === 1);
    expect(await published()).toEqual([{ later: true }]);
    expect((await relayed.relay.health()).details).toMatchObject({ parked: 0 });
    await relayed.relay.stop();

    await fixture.relayOn(test, { keepPublishedMs: 1 }).relay.start();
    await waitUntil(async () => (await published()).length === 0);
  });

  it('when the relay restarts, then it still knows what is parked', async () => {
    const test = await fixture.start();
    returning(test, 1);
    await append(test.store, 's-1', 0, 1);
    await caughtUp(test);
    await test.relay.stop();

    const second = fixture.relayOn(test, { sweepMs: 600_000 });
    const unwanted = returning(second, 1);
    await second.relay.start();
    await append(test.store, 's-1', 1, 2);
    await waitUntil(async () => (await parkedRows(test)).length === 2);
    expect(numbersOf(second.publisher.confirmed)).toEqual([]);

    unwanted.clear();
    let looks = 0;
    second.publisher.canPublish = () => {
      looks += 1;
      return looks > 3;
    };
    await published(second.publisher, 1, 2);
  });

  it('when publishing stops and goes on while parked events are tried, then they are tried again right after that', async () => {
    const test = await fixture.start({ sweepMs: 600_000 });
    const unwanted = returning(test, 1);
    await append(test.store, 's-1', 0, 1);
    await waitUntil(async () => (await parkedRows(test)).length === 1);
    unwanted.clear();
    let tries = 0;
    let giveUp: () => void = () => undefined;
    test.publisher.answer = () => {
      tries += 1;
      if (tries > 1) return { status: 'confirmed' };
      return new Promise((resolve) => {
        giveUp = () => resolve({ status: 'unknown', reason: 'connection lost' });
      });
    };
    const toggle = async () => {
      test.publisher.open = !test.publisher.open;
      await delay(30);
    };
    while (tries === 0 || !test.publisher.open) await toggle();
    // Some of these are seen by a tick of the relay, however busy the machine is.
    for (let times = 0; times < 10; times += 1) await toggle();
    giveUp();
    await published(test.publisher, 1);
    expect(tries).toBe(2);
  });

  it('when an event cannot be put on the wire, then it is parked; when nothing goes out for it, it is passed', async () => {
    const test = await fixture.start({
      toWire(event) {
        const n = numbersOf([event])[0];
        if (n === 1) throw new Error('no such type');
        return n === 2 ? undefined : { ...event, type: 'Renamed' };
      },
    });
    await append(test.store, 's-1', 0, 1);
    await append(test.store, 's-2', 0, 2, 3);

    await published(test.publisher, 3);
    expect(test.publisher.sent[0]?.type).toBe('Renamed');
    await waitUntil(async () => (await parkedRows(test)).length === 1);
    expect((await parkedRows(test))[0].reason).toContain('no such type');
  });

  it('when several messages go out for an event, then it counts as published once all of them are, and only then the next one goes', async () => {
    const test = await fixture.start({ toWire: (event) => [event, { ...event, type: 'Second' }] });
    let refusals = 1;
    test.publisher.answer = ({ type }) => {
      if (type !== 'Second' || refusals === 0) return { status: 'confirmed' };
      refusals -= 1;
      return { status: 'nacked', reason: 'not now' };
    };
    await append(test.store, 's-1', 0, 1, 2);

    await waitUntil(() => test.publisher.confirmed.length === 5);
    const sent = test.publisher.sent.map(({ type, ...event }) => [numbersOf([event])[0], type === 'Second']);
    const both = (n: number) => [
      [n, false],
      [n, true],
    ];
    expect(sent).toEqual([...both(1), ...both(1), ...both(2)]);
  });

  it('when some of many parked events stay unwanted, then the others come out all the same', async () => {
    const test = await fixture.open();
    const operations = Array.from({ length: 700 }, (_, n) => ({
      streamId: `s-${n}`,
      expectedVersion: 0,
      events: [newEvent(n)],
    }));
    const relayed = fixture.relayOn(test);
    const unwanted = returning(relayed, ...operations.keys());
    await test.store.transaction((tx) => tx.append(operations));
    await relayed.relay.start();
    await waitUntil(async () => (await parkedRows(relayed)).length === 700);

    for (let n = 550; n < 700; n += 1) unwanted.delete(n);

    await waitUntil(() => relayed.publisher.confirmed.length === 150);
    await waitUntil(async () => (await parkedRows(relayed)).length === 550);
  });

  it('when one of many streams is free again, then its events come out one by one, and the others are tried once for all of them', async () => {
    const test = await fixture.open();
    const numbers = Array.from({ length: 20 }, (_, n) => n);
    const relayed = fixture.relayOn(test);
    const unwanted = returning(relayed, ...Array.from({ length: 60 }, (_, n) => n));
    for (const n of numbers) await append(test.store, `s-${n}`, 0, n);
    await append(test.store, 's-0', 1, ...Array.from({ length: 40 }, (_, n) => 20 + n));
    await relayed.relay.start();
    await waitUntil(async () => (await parkedRows(relayed)).length === 60);

    const before = relayed.publisher.sent.length;
    unwanted.delete(0);
    for (let n = 20; n < 60; n += 1) unwanted.delete(n);
    await waitUntil(() => relayed.publisher.confirmed.length === 41);

    // Sweeps without the free stream may have come before and after.
    const inVain = relayed.publisher.sent.length - before - 41;
    expect(inVain).toBeLessThan(41 * 19);
    expect(numbersOf(relayed.publisher.confirmed).slice(1)).toEqual(Array.from({ length: 40 }, (_, n) => 20 + n));
  });
});
