import type { AnyAggregate, EventContract, EventOf } from '@warren/contracts';
import type { MessageWriter, Reaction } from '@warren/event-store';

/** An aggregate that takes a message as an input. */
interface Listening<in Message> extends AnyAggregate {
  readonly idOf: (input: Message) => string;
}

/**
 * Says what follows from a message, as data. It is called before the transaction, so it may wait for others; it may be called again for the
 * same message, so it must change nothing itself.
 */
export type MessageHandler<in Message, in Deps> = (
  message: Message,
  context: Deps,
) => Reaction | readonly Reaction[] | Promise<Reaction | readonly Reaction[]>;

/** What is done with a message: an aggregate decides, a handler says what follows, a writer keeps tables. */
export type Handles<Message, Deps> = Listening<Message> | MessageHandler<Message, Deps> | MessageWriter<Message>;

type OneOrMore<One> = One | readonly One[];

/** A queue, what flows into it, and what is done with it. */
export interface Subscription<in Deps = never> {
  readonly contracts: readonly EventContract[];
  readonly handles: readonly (AnyAggregate | MessageHandler<never, Deps> | MessageWriter)[];
  /** @default `<service>_<event_in_snake_case>` */
  readonly queue: string | undefined;
  readonly when: ((context: Deps) => boolean) | undefined;
}

export interface OnOptions<in Deps> {
  /** Required where several contracts flow into one queue. @default `<service>_<event_in_snake_case>` */
  queue?: string;
  /** Asked once, at the start: whether the queue is consumed. @default it is */
  when?: (context: Deps) => boolean;
}

/**
 * Binds a contract to what is done with its messages: an aggregate, a handler, a writer, or several of these in one commit. The inbox claim,
 * the events and the rows of a message are stored together or not at all; a message that was handled before is passed over. Messages are
 * handled in batches; if a batch fails, each of its messages is handled alone and fails by the kind of its error.
 */
export function on<const Contract extends EventContract, Deps = unknown>(
  contract: Contract,
  handles: OneOrMore<Handles<EventOf<Contract>, Deps>>,
  options?: OnOptions<Deps>,
): Subscription<Deps>;
export function on<const Contract extends EventContract, Deps = unknown>(
  contracts: readonly Contract[],
  handles: OneOrMore<Handles<EventOf<Contract>, Deps>>,
  options: OnOptions<Deps> & { queue: string },
): Subscription<Deps>;
export function on(
  contracts: OneOrMore<EventContract>,
  handles: OneOrMore<Subscription['handles'][number]>,
  { queue, when }: OnOptions<never> = {},
): Subscription {
  return { contracts: [contracts].flat(), handles: [handles].flat(), queue, when };
}
