import { describe, expect, it } from '@jest/globals';
import { type Logger, silentLogger } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import { openSession } from '../src/database/open-session.ts';
import { numbersOf } from './recording-publisher.ts';
import { caughtUp, published, useRelayFixture } from './relay-fixture.ts';
import { append, type TestStore } from './store-fixture.ts';

/** Makes the log look as after a restore into a cluster whose transaction ids start much lower. */
async function restoreElsewhere({ pool }: TestStore): Promise<void> {
  await pool.query(`UPDATE events SET tx = (tx::text::bigint + 1000000)::text::xid8`);
  await pool.query(`
    UPDATE relay_cursors SET window_start = (window_start::text::bigint + 1000000)::text::xid8,
      window_end = (window_end::text::bigint + 1000000)::text::xid8`);
}

const repaired = ({ pool }: TestStore) =>
  waitUntil(async () => {
    const future = 'SELECT FROM events WHERE tx >= pg_snapshot_xmax(pg_current_snapshot())';
    return (await pool.query(future)).rowCount === 0;
  });

describe('a log restored into another cluster', () => {
  const fixture = useRelayFixture();

  it('when it had published some events, then those stay published, and the others and all new ones go out, in order', async () => {
    const test = await fixture.open();
    const before = fixture.relayOn(test);
    await before.relay.start();
    await append(test.store, 's-1', 0, 1, 2);
    await published(before.publisher, 1, 2);
    await caughtUp(test);
    await before.relay.stop();
    await append(test.store, 's-1', 2, 3);
    await append(test.store, 's-2', 0, 4);
    await restoreElsewhere(test);
    await append(test.store, 's-1', 3, 5);

    const lines: { text: string; fields: unknown }[] = [];
    const warn = (fields: unknown, text?: string) => lines.push({ fields, text: text ?? String(fields) });
    const logger: Logger = Object.assign(Object.create(silentLogger), { warn });
    const after = fixture.relayOn(test, { logger });
    await after.relay.start();

    await published(after.publisher, 3, 4, 5);
    expect(lines).toContainEqual({ text: 'transaction ids repaired', fields: { alreadyPublished: 2, toPublish: 3 } });
    await append(test.store, 's-1', 4, 6);
    await published(after.publisher, 3, 4, 5, 6);
  });

  it('when a transaction is open during the repair and appends after it, then its events are published too', async () => {
    const test = await fixture.open();
    await append(test.store, 's-1', 0, 1);
    await restoreElsewhere(test);
    const early = await openSession({ pool: test.pool });
    await early.query('BEGIN; SELECT pg_current_xact_id()');
    const { relay, publisher } = fixture.relayOn(test);
    publisher.open = false;
    await relay.start();
    await repaired(test);

    await early.query(`
      INSERT INTO events (stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata, routing_key)
      VALUES ('s-2', 1, gen_random_uuid(), 'Counted', 1, 'a', now(), '{"n": 2}', '{}', 'counted')`);
    await early.query('COMMIT');
    await early.end();
    publisher.open = true;

    // In either order: they are of two streams, and whatever else runs in the cluster decides whether one window holds both.
    const bothOut = () => publisher.confirmed.length === 2 || undefined;
    await waitUntil(bothOut, { what: 'both events to be published' });
    expect(numbersOf(publisher.confirmed).sort()).toEqual([1, 2]);
  });

  it('when only the cursor lies ahead, then new events are not left out', async () => {
    const test = await fixture.open();
    const before = fixture.relayOn(test);
    await before.relay.start();
    await append(test.store, 's-1', 0, 1);
    await published(before.publisher, 1);
    await caughtUp(test);
    await before.relay.stop();
    await test.pool.query(`UPDATE relay_cursors SET window_start = '900000000', window_end = '900000000'`);
    await append(test.store, 's-1', 1, 2);

    const after = fixture.relayOn(test);
    await after.relay.start();

    await published(after.publisher, 2);
  });

  it('when nothing was restored, then nothing is repaired, however often the relay starts', async () => {
    const test = await fixture.open();
    const warnings: unknown[] = [];
    const logger: Logger = Object.assign(Object.create(silentLogger), {
      warn: (...args: unknown[]) => warnings.push(args),
    });
    for (let n = 0; n < 3; n += 1) {
      const { relay, publisher } = fixture.relayOn(test, { logger });
      await relay.start();
      await append(test.store, 's-1', n, n);
      await published(publisher, n);
      await relay.stop();
      expect(numbersOf(publisher.sent)).toEqual([n]);
    }
    expect(warnings).toEqual([]);
  });
});
