import type { AppError } from '@warren/kernel';
import type { Static, TSchema } from 'typebox';
import type { EventContract, EventEnvelope } from './event-contract.ts';

/** Nothing follows from an input, for a reason that is part of the design. */
export interface Ignored {
  readonly outcome: 'ignored';
  readonly reason: string;
}

/** @param reason completes the sentence "ignored, because …" in logs */
export const ignored = (reason: string): Ignored => ({ outcome: 'ignored', reason });

/** What `decide` returns: the events that follow from an input, or that it ignores the input and why. */
export type Decision<Event> = readonly [Event, ...Event[]] | Ignored;

/** An event of a shape that only the log of its service has. */
export interface InternalEvent<Schema extends TSchema = TSchema> {
  readonly version: number;
  readonly schema: Schema;
  /** What others hear of it. @default nothing */
  readonly publishedAs?: Publication;
}

/** The messages that others get for an event of the log. */
export interface Publication {
  /** Those that the messages are of. The event goes into the log under the routing key of the first. */
  readonly contracts: readonly [EventContract, ...EventContract[]];
  /** At least one. The first has the id of the event, each other one an id that follows from it. */
  readonly messagesOf: (event: RecordedEnvelope<string, never>) => readonly MessageOf<EventContract>[];
}

/** Declares an event that stays inside its service. @param version of its schema */
export const internalEvent = <Schema extends TSchema>(schema: Schema, version = 1): InternalEvent<Schema> => ({
  version,
  schema,
});

/**
 * Declares version 1 of an event that the log holds in another shape than others hear of it.
 * @param messagesOf pure: the relay may publish an event several times
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

/** The events of an aggregate by type. Of a contract, the log holds what goes over the wire. */
export type EventMap = Readonly<Record<string, EventContract | InternalEvent>>;

/** True for an event that goes over the wire as the log has it. */
export const isContract = (event: EventContract | InternalEvent): event is EventContract => 'exchange' in event;

/** The contracts of what others hear of an event. */
export function contractsOf(event: EventContract | InternalEvent): readonly EventContract[] {
  return isContract(event) ? [event] : (event.publishedAs?.contracts ?? []);
}

type DataOf<Entry> = Entry extends { readonly schema: infer Schema extends TSchema } ? Static<Schema> : never;

/** The union of the events of a map: what `decide` returns and `evolve` takes. */
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
 * Rows beside the streams that decisions of many streams compete for: stock levels, names that must be unique, seats. The domain says
 * which rows and what becomes of them; the SQL is in an adapter (`SharedRows` of `@warren/event-store`).
 *
 * `decide` sees values that nobody changes before the commit: their rows are locked. If the decision changes a value whose row has appeared
 * meanwhile, it is dropped and made again. Of several inputs in one commit, each sees what those before it left. A key without a row cannot be
 * locked: a decision that depends on its absence without changing it may be overtaken.
 */
export interface SharedValues<State, Input, Event, Value> {
  /** Every key that a decision may read or change. */
  readonly keysOf: (input: Input, state: State) => readonly string[];
  /** What an event makes of the values, in order; `undefined` removes a key. `state` is the one before the event. */
  readonly changes: (
    event: Event,
    state: State,
    values: ReadonlyMap<string, Value>,
  ) => readonly (readonly [key: string, value: Value | undefined])[];
}

interface AggregateCore<Category extends string, Events extends EventMap, State, Input, Value> {
  /** Category of its streams, which are called `<category>-<id>`. It holds no hyphen. */
  readonly category: Category;
  /** Every event that a stream can hold, in its latest version. Earlier versions are upcast. */
  readonly events: Events & UnderTheirTypes<Events>;
  /** Types of the events after which nothing more is expected of a stream: it may be archived. Later events are appended all the same. */
  readonly ends: readonly (keyof Events & string)[];
  readonly initial: NoInfer<State>;
  /** Id of the stream that an input is about. */
  readonly idOf: (input: NoInfer<Input>) => string;
  /** What its events say that they are about (`aggregateId`). @default the id of the stream */
  readonly aboutOf?: (input: NoInfer<Input>) => string;
  /** Decides an input in a state, and against the shared values where there are any. Pure. */
  readonly decide: (state: State, input: Input, values: ReadonlyMap<string, Value>) => Decision<EventIn<Events>>;
  readonly evolve: (state: State, event: EventIn<Events>) => State;
  /** What to throw when others appended to the stream at each of several attempts. @default `AGGREGATE_CONTESTED`, a conflict */
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

/** What a decision may depend on of a message: neither its id nor its time. An aggregate that listens to a contract has this among its inputs. */
export type MessageOf<Contract> =
  Contract extends EventContract<infer Type, infer Version, infer Schema>
    ? { readonly type: Type; readonly version: Version; readonly data: Static<Schema> }
    : never;

/** What the kit needs to know of an aggregate whose types do not matter. */
export interface AnyAggregate {
  readonly category: string;
  readonly events: EventMap;
  readonly ends: readonly string[];
  readonly contested?: ((id: string) => AppError) | undefined;
}

/** A kind of thing whose events are its truth: an order, a user. Made by {@link defineAggregate}. */
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
 * Declares an aggregate: pure data and functions. `@warren/event-store` runs it, and is the only way from a request to appended events.
 * An event or a version that this program does not know fails the replay of its stream; events of earlier versions are upcast; a decision
 * that lost a race is made again.
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

/** An event as it is read from a log: in the latest version of its contract. */
export interface RecordedEnvelope<Type extends string = string, Data = unknown>
  extends EventEnvelope<Type, number, Data> {
  /** Place in its stream, from 1 without gaps. */
  readonly streamVersion: number;
  /** Place in the whole log; increasing, with gaps. */
  readonly position: number;
}

/** An event of an aggregate as it is read from a log; with a type, only that one. */
export type RecordedOf<A extends AnyAggregate, Type extends EventTypeOf<A> = EventTypeOf<A>> = {
  [One in Type]: RecordedEnvelope<One, DataOf<A['events'][One]>>;
}[Type];

/** An input for an aggregate, as data: it is decided when what it belongs to is committed. */
export interface AggregateRequest {
  readonly aggregate: AnyAggregate;
  readonly input: { readonly type: string };
}

/** What follows from a message is an input of an aggregate. */
export const request = <A extends AnyAggregate>(
  aggregate: A,
  input: InputOf<A> & { type: string },
): AggregateRequest => ({
  aggregate,
  input,
});
