import { expect, test } from '@jest/globals';
import { type Decision, defineAggregate, defineEvent, type EventIn, ignored } from '@warren/contracts';
import { Type } from 'typebox';
import { type SharedRows, type StoreTransaction, sql } from '../../src/index.ts';
import { decideAggregate } from '../../src/store/decide-aggregate.ts';

const about = { version: 1, exchange: 'takers', schema: Type.Object({ pieces: Type.Integer() }) };
const events = {
  Taken: defineEvent({ type: 'Taken', routingKey: 'taken', ...about }),
  Missed: defineEvent({ type: 'Missed', routingKey: 'missed', ...about }),
};
type TakerEvent = EventIn<typeof events>;

interface Take {
  type: 'Take';
  id: string;
  pieces: number;
  /** Whether nothing follows if there are too few. */
  silent: boolean;
}

const taker = defineAggregate({
  category: 'taker',
  events,
  ends: [],
  initial: null,
  idOf: ({ id }: Take) => id,
  decide(_: null, { pieces, silent }: Take, left: ReadonlyMap<string, number>): Decision<TakerEvent> {
    if ((left.get('pieces') ?? 0) >= pieces) return [{ type: 'Taken', data: { pieces } }];
    return silent ? ignored('too few') : [{ type: 'Missed', data: { pieces } }];
  },
  evolve: (state: null) => state,
  shared: {
    keysOf: () => ['pieces'],
    changes: ({ type, data: { pieces } }: TakerEvent, _: null, left: ReadonlyMap<string, number>) =>
      type === 'Taken' ? [['pieces', (left.get('pieces') ?? 0) - pieces] as const] : [],
  },
});

/** Decides the inputs while there are five pieces. Returns the keys that count as verified by their change. */
async function verifiedBy(...inputs: Take[]): Promise<readonly string[] | undefined> {
  let verified: readonly string[] | undefined;
  const tx: Partial<StoreTransaction> = {
    load: async () => new Map(),
    lock: async () => new Map([['pieces', 5]]) as never,
    async append(operations, _, shared) {
      verified = shared?.verified;
      return operations.map(({ streamId, events }) => ({
        status: 'appended',
        events: events.map((event, at) => ({ ...event, streamId, streamVersion: at + 1, position: at + 1 })),
      }));
    },
  };
  const shared: SharedRows<number> = { lock: () => sql``, update: () => [] };
  const asked = inputs.map((input) => ({ input, cause: undefined }));
  await decideAggregate(tx as StoreTransaction, taker, asked, { source: 'test', now: new Date(), shared });
  return verified;
}

const take = (id: string, pieces: number, silent = false): Take => ({ type: 'Take', id, pieces, silent });

test('when each decision of a batch changes the shared value that it read, then the change verifies it', async () => {
  expect(await verifiedBy(take('a', 2), take('b', 3))).toEqual(['pieces']);
});

test.each([false, true])(
  'when one of them only read it (and is ignored: %s), then the change of another does not verify it',
  async (silent) => {
    expect(await verifiedBy(take('a', 2), take('b', 9, silent))).toEqual([]);
  },
);
