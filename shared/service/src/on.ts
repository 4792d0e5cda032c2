import type { AnyAggregate, EventContract, EventOf } from '@warren/contracts';
import type { MessageWriter } from '@warren/event-store';

/** An aggregate that takes a message as an input. */
interface Listening<in Message> extends AnyAggregate {
  readonly idOf: (input: Message) => string;
}

/** What is done with a message: an aggregate decides, a writer keeps tables. */
export type Handles<Message> = Listening<Message> | MessageWriter<Message>;

/** A queue, what flows into it, and what is done with it. */
export interface Subscription {
  readonly contracts: readonly EventContract[];
  readonly handles: readonly (AnyAggregate | MessageWriter)[];
  /** @default `<service>_<event_in_snake_case>` */
  readonly queue: string | undefined;
}

/**
 * Binds a contract to what is done with its messages: an aggregate, a writer, or several of these in one commit. The inbox claim, the events
 * and the rows of a message are stored together or not at all; a message that was handled before is passed over. Messages are handled in
 * batches; if a batch fails, each of its messages is handled alone and fails by the kind of its error.
 * @param options.queue @default `<service>_<event_in_snake_case>`
 */
export function on<const Contract extends EventContract>(
  contract: Contract,
  handles: Handles<EventOf<Contract>> | readonly Handles<EventOf<Contract>>[],
  options: { queue?: string } = {},
): Subscription {
  return { contracts: [contract], handles: [handles].flat() as Subscription['handles'], queue: options.queue };
}
