import { describe, expect, it } from '@jest/globals';
import type { PublishOutcome } from '@warren/contracts';
import { createMetricsRegistry, type MetricsRegistry, silentLogger } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import { openSession } from '../src/database/open-session.ts';
import type { EventStore, Relay } from '../src/index.ts';
import { numbersOf } from './recording-publisher.ts';
import { caughtUp, published, type TestRelay, useRelayFixture } from './relay-fixture.ts';
import { append, horizonPassed, newEvent } from './store-fixture.ts';

const leading = (relay: Relay) => waitUntil(() => relay.state === 'leading', { what: 'the relay to lead' });

/** Ends the session that holds the relay's lock, as a crash of its process would. */
async function killLeader({ pool, schema }: Pick<TestRelay, 'pool' | 'schema'>): Promise<void> {
  const { rowCount } = await pool.query(
    `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity JOIN pg_locks USING (pid)
     WHERE application_name = $1 AND locktype = 'advisory' AND granted`,
    [`${schema} relay`],
  );
  expect(rowCount).toBe(1);
}

const inFlightOf = async (metrics: MetricsRegistry) =>
  Number(/^warren_relay_in_flight\{.*\} (\d+)$/m.exec(await metrics.metrics())?.[1]);

/** New streams in one transaction: no transaction of another suite comes between them. */
async function appendAtOnce(store: EventStore, streams: Record<string, number[]>): Promise<void> {
  const operations = Object.entries(streams).map(([streamId, numbers]) => ({
    streamId,
    expectedVersion: 0,
    events: numbers.map((n) => newEvent(n)),
  }));
  await store.transaction((tx) => tx.append(operations));
}

describe('the relay under faults', () => {
  const fixture = useRelayFixture();

  it('when it dies after publishing and before storing its cursor, then the same ids are published again, in order', async () => {
    const test = await fixture.start({ checkpointMs: 60_000 });
    await append(test.store, 's-1', 0, 1, 2, 3);
    await published(test.publisher, 1, 2, 3);

    await killLeader(test);

    await published(test.publisher, 1, 2, 3, 1, 2, 3);
    const ids = test.publisher.sent.map((event) => event.id);
    expect(ids.slice(3)).toEqual(ids.slice(0, 3));
  });

  it('when it stops, then it waits for the confirms and stores the cursor: nothing is published twice', async () => {
    const test = await fixture.start({ checkpointMs: 60_000 });
    let confirm: ((outcome: PublishOutcome) => void) | undefined;
    test.publisher.answer = () =>
      new Promise((resolve) => {
        confirm = resolve;
      });
    await append(test.store, 's-1', 0, 1);
    await waitUntil(() => confirm);

    const stopped = test.relay.stop();
    setTimeout(() => confirm?.({ status: 'confirmed' }), 200);
    await stopped;

    expect(test.relay.state).toBe('stopped');
    const second = fixture.relayOn(test);
    await second.relay.start();
    await append(test.store, 's-2', 0, 2);
    await published(second.publisher, 2);
  });

  it('when two relays run, then one publishes, and the other takes over when the first loses its session', async () => {
    const test = await fixture.open();
    const first = fixture.relayOn(test);
    const second = fixture.relayOn(test);
    await first.relay.start();
    await leading(first.relay);
    await second.relay.start();
    await waitUntil(() => second.relay.state === 'standby');
    await append(test.store, 's-1', 0, 1);
    await published(first.publisher, 1);
    await caughtUp(first);
    expect(second.publisher.sent).toEqual([]);

    await killLeader(test);

    await leading(second.relay);
    await append(test.store, 's-1', 1, 2);
    await published(second.publisher, 2);
    await waitUntil(() => first.relay.state === 'standby');
    expect(numbersOf(first.publisher.sent)).toEqual([1]);
  });

  it('when the leading relay stops, then the other takes over', async () => {
    const test = await fixture.open();
    const first = fixture.relayOn(test);
    const second = fixture.relayOn(test);
    await first.relay.start();
    await leading(first.relay);
    await second.relay.start();

    await first.relay.stop();
    await leading(second.relay);
  });

  it('when events are refused or without an answer, then they are published again under their ids, and not overtaken in their stream', async () => {
    const { store, publisher } = await fixture.start();
    const outcomes: PublishOutcome['status'][] = ['nacked', 'unknown'];
    publisher.answer = (event) => {
      const status = numbersOf([event])[0] === 1 ? outcomes.shift() : undefined;
      return status && status !== 'confirmed' ? { status, reason: 'test' } : { status: 'confirmed' };
    };

    await appendAtOnce(store, { 's-1': [1, 2], 's-2': [3] });

    await waitUntil(() => publisher.confirmed.length === 3);
    expect(numbersOf(publisher.confirmed).filter((n) => n !== 3)).toEqual([1, 2]);
    expect(numbersOf(publisher.sent).filter((n) => n !== 3)).toEqual([1, 1, 1, 2]);
    expect(new Set(publisher.sent.map((event) => event.id)).size).toBe(3);
  });

  it('when one event is not confirmed, then the cursor waits before it, whatever is confirmed behind it', async () => {
    const metrics = createMetricsRegistry('test', { collectDefaults: false });
    const test = await fixture.start({ drainMs: 100, checkpointMs: 1, metrics });
    test.publisher.answer = (event) => (numbersOf([event])[0] === 1 ? new Promise(() => {}) : { status: 'confirmed' });
    for (const n of [1, 2, 3]) await append(test.store, `s-${n}`, 0, n);
    await waitUntil(() => test.publisher.confirmed.length === 2 || undefined, { what: 'the others to be confirmed' });

    // What is published ahead of the reader counts as unpublished once the reader has read it and the cursor cannot pass it.
    await waitUntil(async () => (await test.relay.health()).details?.events === 3, { what: 'the cursor to wait' });
    await killLeader(test);

    await waitUntil(() => numbersOf(test.publisher.sent).filter((n) => n === 1).length === 2);
    expect(await inFlightOf(metrics)).toBeGreaterThanOrEqual(1);
    await test.relay.stop();
    expect(await inFlightOf(metrics)).toBe(0);
  });

  it('when the broker is away, then nothing is handed over, and all of it in order when it is back', async () => {
    const { store, publisher, relay } = await fixture.start();
    publisher.open = false;
    await appendAtOnce(store, { 's-1': [1, 2], 's-2': [3] });
    await waitUntil(async () => (await relay.health()).details?.events === 3);
    expect(publisher.sent).toEqual([]);

    publisher.open = true;
    await published(publisher, 1, 3, 2);
  });

  it('when the connection to the broker is lost with events in flight, then they are published again when it is back', async () => {
    const { store, publisher } = await fixture.start();
    publisher.answer = () => {
      publisher.open = false;
      return { status: 'unknown', reason: 'connection lost' };
    };
    await append(store, 's-1', 0, 1, 2);
    await append(store, 's-2', 0, 3);
    await waitUntil(() => publisher.sent.length > 0 && !publisher.open);

    publisher.answer = () => ({ status: 'confirmed' });
    publisher.open = true;

    await waitUntil(() => publisher.confirmed.length === 3);
    expect(numbersOf(publisher.confirmed).filter((n) => n !== 3)).toEqual([1, 2]);
  });

  it('when a publisher breaks its promise and rejects, then the event is published again', async () => {
    const { store, publisher } = await fixture.start();
    let rejected = false;
    publisher.answer = () => {
      if (rejected) return { status: 'confirmed' };
      rejected = true;
      throw new Error('broken publisher');
    };
    await append(store, 's-1', 0, 1);
    await published(publisher, 1);
  });

  it('when the publisher takes its time, then no more than the window is in flight', async () => {
    const test = await fixture.open();
    for (let n = 0; n < 30; n += 1) await append(test.store, `s-${n}`, 0, n);
    const metrics = createMetricsRegistry('test', { collectDefaults: false });
    // So long between two checkpoints that the gauge cannot owe anything to them.
    const { relay, publisher } = fixture.relayOn(test, { pageSize: 5, maxInFlight: 10, metrics, checkpointMs: 60_000 });
    await horizonPassed(test);
    const confirms: (() => void)[] = [];
    publisher.answer = () => new Promise((resolve) => confirms.push(() => resolve({ status: 'confirmed' })));

    await relay.start();
    await waitUntil(() => publisher.sent.length === 10);
    expect(await inFlightOf(metrics)).toBe(10);
    confirms.shift()?.();
    await waitUntil(() => publisher.sent.length === 15);
    expect(await inFlightOf(metrics)).toBe(14);
    const release = setInterval(() => {
      for (const confirm of confirms.splice(0)) confirm();
    }, 1);
    await published(publisher, ...Array.from({ length: 30 }, (_, n) => n));
    clearInterval(release);
    expect(await inFlightOf(metrics)).toBe(0);
  });

  it('when a transaction stays open, then health and metrics show how long it has held publishing back', async () => {
    const metrics = createMetricsRegistry('test', { collectDefaults: false });
    const test = await fixture.open();
    const { store, pool } = test;
    // The events of another process: those of its own the leader need not read.
    const { relay, publisher } = fixture.relayOn(test, { metrics, store: undefined });
    await relay.start();
    await leading(relay);
    const holder = await openSession({ pool });
    await holder.query('BEGIN; SELECT pg_current_xact_id()');
    await append(store, 's-1', 0, 1);

    await waitUntil(async () => Number((await relay.health()).details?.horizonSeconds) > 0.05);
    expect((await relay.health()).details).toMatchObject({ state: 'leading', events: 1, parked: 0 });
    expect(publisher.sent).toEqual([]);
    const text = await metrics.metrics();
    expect(text).toContain('warren_relay_lag_events{service="test"} 1');
    expect(text).toMatch(/warren_store_horizon_age_seconds\{service="test"\} 0\.\d+|[1-9]/);
    expect(text).toMatch(/warren_relay_lag_seconds\{service="test"\} 0\.\d+|[1-9]/);

    await holder.query('COMMIT');
    await published(publisher, 1);
    await holder.end();
    await waitUntil(async () => (await metrics.metrics()).includes('warren_relay_lag_events{service="test"} 0'));
    expect(await metrics.metrics()).toContain('warren_relay_published_total{service="test"} 1');
  });

  it('when the database is away, then it is not up and waits, which the log says once, and the metrics say that they do not know', async () => {
    const { schema, store } = await fixture.open();
    const pool = fixture.openPool(schema, { url: 'postgres://warren@127.0.0.1:1/none' });
    const metrics = createMetricsRegistry('test', { collectDefaults: false });
    const tries: Record<'warn' | 'debug', string[]> = { warn: [], debug: [] };
    const noting = (level: 'warn' | 'debug') => (_: unknown, text: string) => void tries[level].push(text);
    const logger = Object.assign(Object.create(silentLogger), { warn: noting('warn'), debug: noting('debug') });
    const { relay } = fixture.relayOn({ schema, store, pool }, { metrics, logger });

    await relay.start();

    await waitUntil(async () => (await relay.health()).reason?.includes('ECONNREFUSED'), { what: 'the reason' });
    const isRetry = (text: string) => text.includes('has lost its database session');
    await waitUntil(() => tries.debug.filter(isRetry).length > 1, { what: 'further tries' });
    expect(tries.warn.filter(isRetry)).toHaveLength(1);
    expect(await relay.health()).toMatchObject({ up: false, details: { state: 'connecting' } });
    expect(relay.state).toBe('connecting');
    expect(await metrics.metrics()).toContain('warren_relay_lag_events{service="test"} Nan');
  });
});
