import { beforeEach, describe, expect, it } from '@jest/globals';
import { request } from '@warren/contracts';
import { createId, isAppError } from '@warren/kernel';
import fc from 'fast-check';
import { type Outcome, sql, type Write } from '../../src/index.ts';
import { counter, fill } from '../store/counter.ts';
import { type GuestInput, guest } from '../store/guest.ts';
import { newEvent, useStoreFixture } from '../store-fixture.ts';
import { type Hall, type Instance, openHall } from './hall.ts';

const cause = { correlationId: 'c', causationId: 'c' };
const SUBJECTS = 4;
const subject = fc.nat({ max: SUBJECTS - 1 });

/** Inputs of guests, by the numbers of guests and seats. */
const seating = fc.record({
  type: fc.constantFrom('Sit', 'Upgrade', 'Leave'),
  guest: subject,
  seat: fc.nat({ max: 2 }),
});
const instance = fc.nat({ max: 1 });
const upTo = fc.nat({ max: 6 });
const step = fc.oneof(
  fc.record({
    do: fc.constant('create' as const),
    instance,
    count: fc.integer({ min: 1, max: 3 }),
    key: fc.option(subject),
    upTo,
  }),
  fc.record({
    do: fc.constant('decide' as const),
    instance,
    counter: subject,
    upTo,
    ifMatch: fc.option(fc.nat({ max: 3 })),
  }),
  fc.record({
    do: fc.constant('decideEach' as const),
    instance,
    inputs: fc.array(fc.tuple(subject, upTo), { minLength: 1, maxLength: 4 }),
  }),
  // A message that is delivered again has the same number.
  fc.record({
    do: fc.constant('handle' as const),
    instance,
    messages: fc.array(fc.tuple(fc.nat({ max: 7 }), seating), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ do: fc.constant('write' as const), instance, messages: fc.array(fc.nat({ max: 7 }), { maxLength: 3 }) }),
);
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

/** The ids of a run, the same in both halls. */
function createIds() {
  const many = (count: number) => Array.from({ length: count }, () => createId());
  return { run: createId(), counters: many(SUBJECTS), guests: many(SUBJECTS), messages: many(8), created: many(200) };
}
type Ids = ReturnType<typeof createIds>;

async function take({ store }: Instance, one: Step, ids: Ids, nextId: () => string): Promise<unknown> {
  switch (one.do) {
    case 'create': {
      const key = one.key === null ? undefined : `${ids.run}-${one.key}`;
      // Nothing follows from 0.
      const made = Array.from({ length: one.count }, (_, at) => (one.upTo + at) % 4).map((limit) =>
        store.create(counter, fill(nextId(), limit), { cause, key, sameAs: limit }),
      );
      return (await Promise.allSettled(made)).map((answer) =>
        answer.status === 'fulfilled' ? [answer.value.aggregateId, answer.value.data] : codeOf(answer.reason),
      );
    }
    case 'decide': {
      const ifMatch = one.ifMatch === null ? undefined : [one.ifMatch];
      return told(await store.decide(counter, fill(ids.counters[one.counter] as string, one.upTo), { cause, ifMatch }));
    }
    case 'decideEach': {
      const inputs = one.inputs.map(([at, limit]) => fill(ids.counters[at] as string, limit));
      return (await store.decideEach(counter, inputs)).map((outcome) =>
        'events' in outcome ? told(outcome) : codeOf(outcome),
      );
    }
    case 'handle': {
      const messages = one.messages.map(([at, asked]) => ({
        ...newEvent(0, { type: 'Asked', data: asked }),
        id: ids.messages[at] as string,
      }));
      return store.handle('seating', messages, {
        handlers: [
          async ({ data }) => {
            const { type, guest: at, seat } = data as { type: GuestInput['type']; guest: number; seat: number };
            return [request(guest, { type, id: ids.guests[at] as string, seat: `${ids.run}-${seat}` } as GuestInput)];
          },
        ],
      });
    }
    case 'write': {
      const messages = one.messages.map((at) => ({ ...newEvent(at), id: ids.messages[at] as string }));
      const writes = (some: readonly { id: string }[]): Write[] =>
        some.map(({ id }) => sql`INSERT INTO counts (id, version, sum) VALUES (${id}, 1, 1)`);
      return store.handle('writing', messages, { writers: [{ writes: writes as never }] });
    }
  }
}

const told = ({ id, events, ignored }: Outcome<typeof counter>) => [
  id,
  ignored ?? events.map(({ streamVersion, data }) => [streamVersion, data.by]),
];
/** `UNEXPECTED`: nothing follows from a creation, or a guest without a seat wants a better one. */
const EXPECTED = ['SEAT_TAKEN', 'PRECONDITION_FAILED', 'COUNTER_CONTESTED', 'TRANSACTION_CONTENTION', 'UNEXPECTED'];
const codeOf = (error: unknown) => (isAppError(error) ? error.code : error);

/** Everything that is stored, but for what differs from run to run: the ids, times and positions of events. */
async function storedIn({ pool }: Hall): Promise<unknown> {
  const queries = [
    "SELECT stream_id, stream_version, type, schema_version, aggregate_id, data, metadata->>'correlationId' AS correlation, routing_key FROM events ORDER BY 1, 2",
    'SELECT seat, guest FROM seats ORDER BY 1',
    'SELECT c.id, c.version, c.sum, c.position IS NOT DISTINCT FROM e.position AS placed FROM counts c LEFT JOIN events e ON e.aggregate_id = c.id AND e.stream_version = c.version ORDER BY 1, 2',
    'SELECT message_id, consumer FROM inbox ORDER BY 1, 2',
    'SELECT key, fingerprint, counter_id FROM idempotency_keys ORDER BY 1',
  ];
  const results = [];
  for (const query of queries) results.push((await pool.query(query)).rows);
  return results;
}

describe('commits of one statement and transactions', () => {
  const fixture = useStoreFixture();
  let once: Hall;
  let inTransactions: Hall;
  beforeEach(async () => {
    [once, inTransactions] = [await openHall(fixture), await openHall(fixture)];
  });

  it('when two instances get the same requests in the same order, then the answers and the tables are the same', async () => {
    const instances = [once.instance(), once.instance()];
    const halls = [instances, [0, 1].map(() => inTransactions.instance({ inTransactions: true }))];
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), async (steps) => {
        const ids = createIds();
        const answers = [];
        for (const hall of halls) {
          let made = 0;
          const nextId = () => ids.created[made++] as string;
          const run = [];
          for (const one of steps) run.push(await take(hall[one.instance] as Instance, one, ids, nextId).catch(codeOf));
          answers.push(run);
        }
        expect(answers[0]).toEqual(answers[1]);
        expect(await storedIn(once)).toEqual(await storedIn(inTransactions));
      }),
      { numRuns: 40 },
    );
    expect(Object.keys((await instances[0]?.fallbacks()) ?? {}).length).toBeGreaterThan(1);
  });

  it('when two instances get requests at the same time, then each message has one effect and nothing drifts', async () => {
    const instances = [once.instance(), once.instance()];
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 20 }), async (steps) => {
        const ids = createIds();
        let made = 0;
        const nextId = () => ids.created[made++] as string;
        const turns = steps.map((one) => take(instances[one.instance] as Instance, one, ids, nextId).catch(codeOf));
        const codes = (await Promise.all(turns)).filter((answer) => typeof answer === 'string');
        for (const code of codes) {
          expect(EXPECTED).toContain(code);
        }
      }),
      { numRuns: 25 },
    );
    const { rows: gaps } = await once.pool.query(
      'SELECT stream_id FROM events GROUP BY 1 HAVING count(*) <> max(stream_version) OR array_agg(position ORDER BY stream_version) <> array_agg(position ORDER BY position)',
    );
    expect(gaps).toEqual([]);
    // Who sits where follows from the last event of each guest.
    const { rows: drift } = await once.pool.query(`
      WITH last AS (SELECT DISTINCT ON (stream_id) type, data->>'seat' AS seat, data->>'guest' AS guest FROM events WHERE stream_id LIKE 'guest-%' ORDER BY stream_id, stream_version DESC)
      SELECT * FROM (SELECT seat, guest FROM last WHERE type = 'Seated') l FULL JOIN seats s ON s.seat = l.seat AND s.guest::text = l.guest
       WHERE s.seat IS NULL OR l.seat IS NULL`);
    expect(drift).toEqual([]);
    const { rows: misplaced } = await once.pool.query(`
      SELECT * FROM counts c FULL JOIN (SELECT * FROM events WHERE stream_id LIKE 'counter-%') e ON e.aggregate_id = c.id AND e.stream_version = c.version
       WHERE c.position IS DISTINCT FROM e.position OR c.sum IS DISTINCT FROM coalesce((e.data->>'by')::int, 1)`);
    expect(misplaced).toEqual([]);
  });
});
