import { isDeepStrictEqual } from 'node:util';
import type { Aggregate, EventIn, EventMap } from '@warren/contracts';

/** What a decider says to one command or message: events, or that it ignores it and why. */
export type DecisionOf<Event> =
  | readonly Event[]
  | { outcome: 'happened'; event: Event }
  | { outcome: 'ignored'; reason: string };

/** The pure core of an aggregate. */
export interface Decider<State, Input, Event> {
  initialState: State;
  decide(state: State, input: Input): DecisionOf<Event>;
  evolve(state: State, event: Event): State;
}

export interface Outcome<Event> {
  /** Exactly these events follow, in this order. @throws when others do */
  then(events: readonly Event[]): void;
  /** No event follows. With a reason: the input was ignored explicitly, for that reason. @throws when it was otherwise */
  thenNothingHappened(reason?: string | RegExp): void;
  /** The decision fails with this error code. @throws when it does not */
  thenThrows(code: string): void;
}

/** What has happened before. */
export type Given<Input, Event> = (events: readonly Event[]) => { when(input: Input): Outcome<Event> };

/**
 * Tests of a decider that read like its requirements:
 * `given([orderCreated]).when(inventoryReserved).then([orderConfirmed])`.
 */
export function givenFor<State, Input, Event>(decider: Decider<State, Input, Event>): Given<Input, Event> {
  return (history) => ({
    when(input) {
      const state = history.reduce(decider.evolve, decider.initialState);
      const decide = (): DecisionOf<Event> => decider.decide(state, input);
      return {
        // biome-ignore lint/suspicious/noThenProperty: the word of the specification; nothing awaits an outcome
        then: (expected) => demand('events', eventsOf(decide()), expected),
        thenNothingHappened: (reason) => demandNothing(decide(), reason),
        thenThrows: (code) => demand('error code', codeThrownBy(decide), code),
      };
    },
  });
}

/** What has happened to an aggregate, and the shared values there are. */
export interface GivenAggregate<Input, Event, Value> {
  /** The shared values that there are, by key. @default none */
  sharing(values: Readonly<Record<string, Value>>): GivenAggregate<Input, Event, Value>;
  when(input: Input): Outcome<Event>;
}

/**
 * Tests of an aggregate that read like its requirements: `given(order, orderCreated).when(inventoryReserved).then([orderConfirmed])`.
 */
export function given<Events extends EventMap, State, Input, Value>(
  aggregate: Aggregate<string, Events, State, Input, Value>,
  ...history: readonly EventIn<Events>[]
): GivenAggregate<Input, EventIn<Events>, Value> {
  const { initial, decide, evolve } = aggregate;
  const sharing = (values: ReadonlyMap<string, Value>): GivenAggregate<Input, EventIn<Events>, Value> => ({
    sharing: (more) => sharing(new Map([...values, ...Object.entries(more)])),
    when: givenFor<State, Input, EventIn<Events>>({
      initialState: initial,
      decide: (state, input) => decide(state, input, values),
      evolve,
    })(history).when,
  });
  return sharing(new Map());
}

function eventsOf<Event>(decision: DecisionOf<Event>): readonly Event[] {
  if (!('outcome' in decision)) return decision;
  return decision.outcome === 'happened' ? [decision.event] : [];
}

function demandNothing<Event>(decision: DecisionOf<Event>, wanted: string | RegExp | undefined): void {
  demand('events', eventsOf(decision), []);
  if (wanted === undefined) return;
  const reason = 'outcome' in decision && decision.outcome === 'ignored' ? decision.reason : undefined;
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
