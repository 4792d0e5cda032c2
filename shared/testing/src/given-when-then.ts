import { isDeepStrictEqual } from 'node:util';
import type { Aggregate, Decision, EventIn, EventMap } from '@warren/contracts';

export interface Outcome<Event> {
  /** Expects exactly these events, in this order. @throws for any other events */
  then(events: readonly Event[]): void;
  /** Expects no events. With a reason: expects the input to be ignored for that reason. @throws otherwise */
  thenNothingHappened(reason?: string | RegExp): void;
  /** Expects the decision to throw this error code. @throws otherwise */
  thenThrows(code: string): void;
}

/** The past events of an aggregate and the existing shared values. */
export interface GivenAggregate<Input, Event, Value> {
  /** The existing shared values, by key. @default none */
  sharing(values: Readonly<Record<string, Value>>): GivenAggregate<Input, Event, Value>;
  when(input: Input): Outcome<Event>;
}

/**
 * Tests of an aggregate that read like its requirements: `given(order, orderCreated).when(inventoryReserved).then([orderConfirmed])`.
 */
export function given<Events extends EventMap, State, Input, Value>(
  { initial, decide, evolve }: Aggregate<string, Events, State, Input, Value>,
  ...history: readonly EventIn<Events>[]
): GivenAggregate<Input, EventIn<Events>, Value> {
  const sharing = (values: ReadonlyMap<string, Value>): GivenAggregate<Input, EventIn<Events>, Value> => ({
    sharing: (more) => sharing(new Map([...values, ...Object.entries(more)])),
    when: (input) => outcomeOf(() => decide(history.reduce(evolve, initial), input, values)),
  });
  return sharing(new Map());
}

function outcomeOf<Event>(decide: () => Decision<Event>): Outcome<Event> {
  return {
    // biome-ignore lint/suspicious/noThenProperty: the word of the specification; nothing awaits an outcome
    then: (expected) => demand('events', eventsOf(decide()), expected),
    thenNothingHappened: (reason) => demandNothing(decide(), reason),
    thenThrows: (code) => demand('error code', codeThrownBy(decide), code),
  };
}

const eventsOf = <Event>(decision: Decision<Event>): readonly Event[] => ('outcome' in decision ? [] : decision);

function demandNothing<Event>(decision: Decision<Event>, wanted: string | RegExp | undefined): void {
  demand('events', eventsOf(decision), []);
  if (wanted === undefined) return;
  const reason = 'outcome' in decision ? decision.reason : undefined;
  const matches = typeof wanted === 'string' ? reason === wanted : reason !== undefined && wanted.test(reason);
  if (!matches) throw new Error(`ignored for another reason\n  expected: ${wanted}\n  received: ${reason}`);
}

function codeThrownBy(decide: () => unknown): unknown {
  try {
    decide();
    return undefined;
  } catch (error) {
    return (error as { code?: unknown }).code ?? error;
  }
}

function demand(what: string, received: unknown, expected: unknown): void {
  if (isDeepStrictEqual(received, expected)) return;
  const show = (value: unknown): string => JSON.stringify(value, null, 2) ?? String(value);
  throw new Error(`other ${what} than expected\n  expected: ${show(expected)}\n  received: ${show(received)}`);
}
