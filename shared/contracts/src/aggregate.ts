import type { AppError } from '@warren/kernel';
import type { Static, TSchema } from 'typebox';
import type { EventContract, EventEnvelope } from './event-contract.ts';

/** The aggregate deliberately ignores an input. */
export interface Ignored {
  readonly outcome: 'ignored';
  readonly reason: string;
}

/** @param reason completes the sentence "ignored, because …" in logs */
export const ignored = (reason: string): Ignored => ({ outcome: 'ignored', reason });

/** What `decide` returns: the resulting events, or why the input is ignored. */
export type Decision<Event> = readonly [Event, ...Event[]] | Ignored;

/** An event whose shape exists only in its service's log. */
export interface InternalEvent<Schema extends TSchema = TSchema> {
  readonly version: number;
  readonly schema: Schema;
  /** What other services receive for it. @default nothing */
  readonly publishedAs?: Publication;
}

/** The messages that other services receive for an event in the log. */
export interface Publication {
  /** The contracts of the messages. The log stores the event with the routing key of the first. */
  readonly contracts: readonly [EventContract, ...EventContract[]];
  /** Returns at least one message. The first has the id of the event; the ids of the others are derived from it. */
  readonly messagesOf: (event: RecordedEnvelope<string, never>) => readonly MessageOf<EventContract>[];
}

/** Declares an event that stays inside its service. @param version version of its schema */
export const internalEvent = <Schema extends TSchema>(schema: Schema, version = 1): InternalEvent<Schema> => ({
  version,
  schema,
});

/**
 * Declares version 1 of an event whose shape in the log differs from its published messages.
 * @param messagesOf must be pure: the relay may publish an event several times
 */
export const publishedAs = <
  Schema extends TSchema,
  const Contracts extends readonly [EventContract, ...EventContract[]],
>(
  schema: Schema,
  contracts: Contracts,
  messagesOf: (event: RecordedEnvelope<string, Static<Schema>>) => readonly MessageOf<Contracts[number]>[],
): InternalEvent<Schema> => ({
  version: 1,
  schema,
  publishedAs: { contracts, messagesOf: messagesOf as Publication['messagesOf'] },
});

/** A message of a contract, for {@link publishedAs}. */
export const messageOf = <Type extends string, Version extends number, Schema extends TSchema>(
  { type, version }: EventContract<Type, Version, Schema>,
  data: Static<Schema>,
): MessageOf<EventContract<Type, Version, Schema>> => ({ type, version, data });

/** The events of an aggregate by type. An event of a contract has the same shape in the log and on the wire. */
export type EventMap = Readonly<Record<string, EventContract | InternalEvent>>;

/** True for an event that has the same shape in the log and on the wire. */
export const isContract = (event: EventContract | InternalEvent): event is EventContract => 'exchange' in event;

/** Returns the contracts under which an event is published; none for an internal event. */
export function contractsOf(event: EventContract | InternalEvent): readonly EventContract[] {
  return isContract(event) ? [event] : (event.publishedAs?.contracts ?? []);
}

type DataOf<Entry> = Entry extends { readonly schema: infer Schema extends TSchema } ? Static<Schema> : never;

/** The union of a map's events: what `decide` returns and `evolve` accepts. */
export type EventIn<Events extends EventMap> = {
  [Type in keyof Events & string]: { readonly type: Type; readonly data: DataOf<Events[Type]> };
}[keyof Events & string];

/** A contract is listed under its own type and nowhere else. */
type UnderTheirTypes<Events extends EventMap> = {
  readonly [Type in keyof Events]: Events[Type] extends EventContract<infer Own>
    ? Type extends Own
      ? Events[Type]
      : never
    : Events[Type];
};

/**
 * Rows outside the streams that decisions of many streams compete for: stock levels, unique names, seats. The domain says which rows and
 * how they change; the SQL is in an adapter (`SharedRows` of `@warren/event-store`).
 *
 * The rows that `decide` sees are locked, so their values cannot change before the commit. If a decision changes a value whose row was
 * inserted meanwhile, the decision is discarded and made again. When several inputs share a commit, each sees the changes of those before it.
 * A key without a row cannot be locked: a decision that depends on its absence without changing it may be out of date at the commit.
 */
export interface SharedValues<State, Input, Event, Value> {
  /** Every key that a decision may read or change. */
  readonly keysOf: (input: Input, state: State) => readonly string[];
  /** The changes that an event makes to the values, in order; `undefined` removes a key. `state` is the state before the event. */
  readonly changes: (
    event: Event,
    state: State,
    values: ReadonlyMap<string, Value>,
  ) => readonly (readonly [key: string, value: Value | undefined])[];
}

interface AggregateCore<Category extends string, Events extends EventMap, State, Input, Value> {
  /** Category of its streams, which are named `<category>-<id>`. It must not contain a hyphen. */
  readonly category: Category;
  /** Every event that a stream can hold, in its latest version. Earlier versions are upcast. */
  readonly events: Events & UnderTheirTypes<Events>;
  /** Event types that end a stream, so that it may be archived. Later events are still appended. */
  readonly ends: readonly (keyof Events & string)[];
  readonly initial: NoInfer<State>;
  /** Returns the id of the stream that an input addresses. */
  readonly idOf: (input: NoInfer<Input>) => string;
  /** Returns the `aggregateId` of its events. @default the id of the stream */
  readonly aboutOf?: (input: NoInfer<Input>) => string;
  /** Decides an input in a state, against the shared values. `values` is empty for an aggregate without `shared`. Pure. */
  readonly decide: (state: State, input: Input, values: ReadonlyMap<string, Value>) => Decision<EventIn<Events>>;
  readonly evolve: (state: State, event: EventIn<Events>) => State;
  /** Returns the error to throw when each of several attempts lost to a concurrent append. @default `AGGREGATE_CONTESTED`, a conflict */
  readonly contested?: (id: string) => AppError;
}

/** `shared` is required exactly where `decide` takes values. */
type SharedMember<State, Input, Event, Value> = [Value] extends [never]
  ? { readonly shared?: undefined }
  : { readonly shared: SharedValues<State, Input, Event, Value> };

export type AggregateDefinition<Category extends string, Events extends EventMap, State, Input, Value> = AggregateCore<
  Category,
  Events,
  State,
  Input,
  Value
> &
  SharedMember<NoInfer<State>, NoInfer<Input>, EventIn<NoInfer<Events>>, NoInfer<Value>>;

/** The part of a message that a decision may depend on: neither its id nor its time. An input of each aggregate that handles the contract. */
export type MessageOf<Contract> =
  Contract extends EventContract<infer Type, infer Version, infer Schema>
    ? { readonly type: Type; readonly version: Version; readonly data: Static<Schema> }
    : never;

/** An aggregate whose types do not matter to the caller. */
export interface AnyAggregate {
  readonly category: string;
  readonly events: EventMap;
  readonly ends: readonly string[];
  readonly contested?: ((id: string) => AppError) | undefined;
}

/** A kind of event-sourced entity, such as an order or a user. Created by {@link defineAggregate}. */
export interface Aggregate<Category extends string, Events extends EventMap, State, Input, Value = never>
  extends AnyAggregate {
  readonly category: Category;
  readonly events: Events;
  readonly initial: State;
  readonly idOf: (input: Input) => string;
  readonly aboutOf?: (input: Input) => string;
  readonly decide: (state: State, input: Input, values: ReadonlyMap<string, Value>) => Decision<EventIn<Events>>;
  readonly evolve: (state: State, event: EventIn<Events>) => State;
  readonly contested?: (id: string) => AppError;
  readonly shared?: SharedValues<State, Input, EventIn<Events>, Value>;
}

/**
 * Declares an aggregate: pure data and functions. Only `@warren/event-store` runs it and appends its events. Replaying a stream fails on an
 * unknown event type or version and upcasts earlier versions. A decision that loses to a concurrent append is made again.
 */
export function defineAggregate<
  const Category extends string,
  const Events extends EventMap,
  State,
  Input extends { readonly type: string },
  Value = never,
>(
  definition: AggregateDefinition<Category, Events, State, Input, Value>,
): Aggregate<Category, Events, State, Input, Value> {
  return definition as Aggregate<Category, Events, State, Input, Value>;
}

export type InputOf<A> = A extends { readonly idOf: (input: infer Input) => string } ? Input : never;
export type StateOf<A> = A extends { readonly initial: infer State } ? State : never;
/** `never` for an aggregate without shared values. */
export type SharedValueOf<A> = A extends {
  readonly decide: (state: never, input: never, values: ReadonlyMap<string, infer Value>) => unknown;
}
  ? Value
  : never;
export type EventTypeOf<A extends AnyAggregate> = keyof A['events'] & string;

/** An event read from the log, in the latest version of its contract. */
export interface RecordedEnvelope<Type extends string = string, Data = unknown>
  extends EventEnvelope<Type, number, Data> {
  /** Position in its stream, from 1 without gaps. */
  readonly streamVersion: number;
  /** Position in the whole log; increasing, with gaps. */
  readonly position: number;
}

/** An event of an aggregate read from the log; with `Type`, only events of that type. */
export type RecordedOf<A extends AnyAggregate, Type extends EventTypeOf<A> = EventTypeOf<A>> = {
  [One in Type]: RecordedEnvelope<One, DataOf<A['events'][One]>>;
}[Type];

/** An input for an aggregate, as data. It is decided in the transaction of the message that it follows from. */
export interface AggregateRequest {
  readonly aggregate: AnyAggregate;
  readonly input: { readonly type: string };
}

/** Declares that an input for an aggregate follows from a message. */
export const request = <A extends AnyAggregate>(
  aggregate: A,
  input: InputOf<A> & { type: string },
): AggregateRequest => ({
  aggregate,
  input,
});
