import { defineAggregate, defineEvent, defineNextVersion, type EventIn, ignored } from '@warren/contracts';
import { defineErrors } from '@warren/kernel';
import { Type } from 'typebox';

const CountedV1 = defineEvent({
  type: 'Counted',
  version: 1,
  exchange: 'counters',
  routingKey: 'counted',
  schema: Type.Object({ n: Type.Integer() }),
});
const Counted = defineNextVersion(CountedV1, {
  version: 2,
  schema: Type.Object({ by: Type.Integer() }),
  upcast: ({ n }) => ({ by: n }),
  downcast: ({ by }) => ({ n: by }),
});

/** Wants the sum of a counter to become at least this much, by one event of what is missing. */
export interface Fill {
  type: 'Fill';
  id: string;
  upTo: number;
}

export const fill = (id: string, upTo: number): Fill => ({ type: 'Fill', id, upTo });

export const testErrors = defineErrors({
  COUNTER_CONTESTED: { kind: 'conflict', meaning: 'A test was overtaken at each try.' },
  SEAT_TAKEN: { kind: 'conflict', meaning: 'A test found a seat taken.' },
});

let decided = 0;
/** How often a counter has decided since this was last asked. */
export function takeDecisions(): number {
  const count = decided;
  decided = 0;
  return count;
}

const events = { Counted };

/** Sums up. It shares nothing. */
export const counter = defineAggregate({
  category: 'counter',
  events,
  ends: [],
  initial: 0,
  idOf: ({ id }: Fill) => id,
  decide(sum: number, { upTo }: Fill) {
    decided += 1;
    return sum >= upTo ? ignored(`${sum} is enough`) : [{ type: 'Counted' as const, data: { by: upTo - sum } }];
  },
  evolve: (sum: number, { data: { by } }: EventIn<typeof events>) => sum + by,
  contested: (id) => testErrors.COUNTER_CONTESTED(`${id} is contested`),
});
