import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { createAlerts, createMetricsRegistry } from '@warren/kernel';
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

  /** Appends one event of a type to each of as many new streams. */
  async function appendEach({ store }: TestRelay, type: string, ...numbers: number[]): Promise<void> {
    const operations = numbers.map((n) => ({
      streamId: `${type}-${n}`,
      expectedVersion: 0,
      events: [newEvent(n, { type })],
    }));
    await store.transaction((tx) => tx.append(operations));
  }

  it('when no queue wants an event, then it is parked with its reason, and the line goes on', async () => {
    const metrics = createMetricsRegistry('test', { collectDefaults: false });
    const test = await fixture.start({ metrics });
    returning(test, 1);
    await append(test.store, 's-1', 0, 1);
    await appendEach(test, 'Other', 2);

    await published(test.publisher, 2);
    await caughtUp(test);
    expect(await parkedRows(test)).toEqual([{ stream_id: 's-1', reason: 'no queue' }]);
    await waitUntil(async () => (await test.relay.health()).details?.parked === 1);
    expect((await test.relay.health()).details).toMatchObject({ refused: { 'Counted v1': 'no queue' } });
    expect(await metrics.metrics()).toContain('warren_relay_parked_total{service="test"} 1');
    expect(await metrics.metrics()).toContain('warren_relay_refused_kinds{service="test"} 1');
  });

  it.each(['nacked', 'returned'] as const)(
    'when a kind of events is %s, then few of them are sent in vain, all leave the window, and all come out when that is over',
    async (status) => {
      const metrics = createMetricsRegistry('test', { collectDefaults: false });
      const test = await fixture.start({ metrics, retryMs: 200 });
      let over = false;
      test.publisher.answer = ({ type }) =>
        type === 'Refused' && !over ? { status, reason: 'a queue is full' } : { status: 'confirmed' };
      await appendEach(test, 'Refused', 1);
      await waitUntil(async () => (await parkedRows(test)).length === 1);
      const before = test.publisher.sent.length;
      const numbers = Array.from({ length: 300 }, (_, n) => n + 2);
      await appendEach(test, 'Refused', ...numbers);
      await appendEach(test, 'Other', 1000);
      await waitUntil(async () => (await parkedRows(test)).length === 301);
      await caughtUp(test);
      await published(test.publisher, 1000);
      expect(await metrics.metrics()).toContain('warren_relay_in_flight{service="test"} 0');
      // One of them at a time, after pauses of 200, 400 … 6000 ms.
      expect(test.publisher.sent.length - before).toBeLessThan(60);

      over = true;
      await waitUntil(async () => (await parkedRows(test)).length === 0);
      expect(new Set(numbersOf(test.publisher.confirmed))).toEqual(new Set([1000, 1, ...numbers]));
      expect((await test.relay.health()).details).not.toHaveProperty('refused');
    },
  );

  it('when single events cannot be sent, then the others of their kind go out, and it is reported until they are gone', async () => {
    const alerts = createAlerts();
    const test = await fixture.start({ alerts });
    const tooLarge = new Set([1, 3]);
    test.publisher.answer = (event) =>
      tooLarge.has(numbersOf([event])[0] ?? 0)
        ? { status: 'unsendable', reason: 'too large' }
        : { status: 'confirmed' };
    await appendEach(test, 'Counted', 1, 2, 3, 4);
    await published(test.publisher, 2, 4);
    await waitUntil(async () => (await parkedRows(test)).length === 2);
    expect(alerts.active()).toMatchObject([
      { code: 'EVENT_UNPUBLISHABLE', subject: 'Counted v1', reason: 'too large' },
    ]);
    await appendEach(test, 'Counted', 5);
    await published(test.publisher, 2, 4, 5);

    tooLarge.clear();
    await waitUntil(async () => (await parkedRows(test)).length === 0);
    expect(alerts.active()).toEqual([]);
  });

  it('when another relay takes over, then it tries one event of what is refused, and sets the others aside', async () => {
    const test = await fixture.open();
    const first = fixture.relayOn(test);
    first.publisher.answer = () => ({ status: 'nacked', reason: 'full' });
    await first.relay.start();
    await appendEach(first, 'Refused', 1, 2, 3);
    await waitUntil(async () => (await parkedRows(first)).length === 3);
    await first.relay.stop();

    const second = fixture.relayOn(test, { retryMs: 600_000 });
    second.publisher.answer = first.publisher.answer;
    await second.relay.start();
    await appendEach(second, 'Refused', 4, 5);
    await waitUntil(async () => (await parkedRows(second)).length === 5);
    await waitUntil(() => second.publisher.sent.length > 0, { what: 'the one that is tried' });
    expect(numbersOf(second.publisher.sent)).toEqual([1]);
  });

  it('when an event goes out of the parking and the cursor has not passed it, then a restart publishes it again and parks it no longer', async () => {
    const test = await fixture.open();
    const first = fixture.relayOn(test, { drainMs: 50 });
    let refused = true;
    const hang = new Promise<never>(() => {});
    first.publisher.answer = ({ type }) => {
      if (type === 'Hanging') return hang;
      return refused ? { status: 'nacked', reason: 'full' } : { status: 'confirmed' };
    };
    await appendEach(first, 'Hanging', 1);
    await appendEach(first, 'Refused', 2);
    await first.relay.start();
    await waitUntil(async () => (await parkedRows(first)).length === 1);
    refused = false;
    await waitUntil(async () => (await parkedRows(first)).length === 0);
    await first.relay.stop();

    const second = fixture.relayOn(test);
    second.publisher.answer = ({ type }) =>
      type === 'Refused' && second.publisher.sent.length < 4
        ? { status: 'nacked', reason: 'full' }
        : { status: 'confirmed' };
    await second.relay.start();
    await waitUntil(() => second.publisher.confirmed.length === 2);
    await waitUntil(async () => (await parkedRows(second)).length === 0);
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

    const second = fixture.relayOn(test, { retryMs: 600_000 });
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
    const test = await fixture.start({ retryMs: 600_000 });
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
      return { status: 'unknown', reason: 'connection lost' };
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

  it('when one kind of parked events is free again, then all of it comes out, however many of another are not', async () => {
    const test = await fixture.open();
    const relayed = fixture.relayOn(test);
    const numbers = (from: number, count: number) => Array.from({ length: count }, (_, n) => from + n);
    const unwanted = returning(relayed, ...numbers(0, 700));
    await appendEach(relayed, 'Stuck', ...numbers(0, 550));
    await appendEach(relayed, 'Free', ...numbers(550, 150));
    await relayed.relay.start();
    await waitUntil(async () => (await parkedRows(relayed)).length === 700);

    for (const n of numbers(550, 150)) unwanted.delete(n);

    await waitUntil(() => relayed.publisher.confirmed.length === 150);
    await waitUntil(async () => (await parkedRows(relayed)).length === 550);
  });

  it('when a long stream is free again, then its events come out in their order', async () => {
    const test = await fixture.open();
    const relayed = fixture.relayOn(test);
    const numbers = Array.from({ length: 60 }, (_, n) => n);
    const unwanted = returning(relayed, ...numbers);
    await append(test.store, 's-0', 0, ...numbers);
    await relayed.relay.start();
    await waitUntil(async () => (await parkedRows(relayed)).length === 60);
    unwanted.clear();
    await published(relayed.publisher, ...numbers);
  });
});
