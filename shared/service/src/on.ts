import type { AnyAggregate, EventContract, EventOf } from '@warren/contracts';
import type { MessageWriter, Reaction } from '@warren/event-store';

/** An aggregate that accepts a message as an input. */
interface Listening<in Message> extends AnyAggregate {
  readonly idOf: (input: Message) => string;
}

/**
 * Returns what follows from a message, as data. It is called before the transaction, so it may await other systems. It may be called again for
 * the same message, so it must have no side effects.
 */
export type MessageHandler<in Message, in Deps> = (
  message: Message,
  context: Deps,
) => Reaction | readonly Reaction[] | Promise<Reaction | readonly Reaction[]>;

/** A consumer of a message: an aggregate decides it, a handler returns what follows, or a writer updates tables. */
export type Handles<Message, Deps> = Listening<Message> | MessageHandler<Message, Deps> | MessageWriter<Message>;

type OneOrMore<One> = One | readonly One[];

/** A queue, the contracts bound to it, and the consumers of its messages. */
export interface Subscription<in Deps = never> {
  readonly contracts: readonly EventContract[];
  readonly handles: readonly (AnyAggregate | MessageHandler<never, Deps> | MessageWriter)[];
  /** @default `<service>_<event_in_snake_case>` */
  readonly queue: string | undefined;
  readonly when: ((context: Deps) => boolean) | undefined;
}

export interface OnOptions<in Deps> {
  /** Name of the queue. Required for several contracts. @default `<service>_<event_in_snake_case>` */
  queue?: string;
  /** Whether to consume the queue. Called once, at the start. @default the queue is consumed */
  when?: (context: Deps) => boolean;
}

/**
 * Binds a contract to the consumers of its messages: an aggregate, a handler, a writer, or several of these in one commit. The inbox claim,
 * events and rows of a message are stored together or not at all. A message that was handled before is skipped. Messages are handled in
 * batches; if a batch fails, each of its messages is handled alone and fails according to the kind of its error.
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
