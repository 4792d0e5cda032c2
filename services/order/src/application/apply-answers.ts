import type { EventOf, InventoryReserved, InventoryUnavailable } from '@warren/contracts';
import {
  type AppendOperation,
  claimFresh,
  type NewEvent,
  type RecordedEvent,
  type StoreTransaction,
} from '@warren/event-store';
import { decide, evolve, type Ignored, type OrderEvent } from '../domain/order.ts';
import { orderErrors } from '../domain/order-errors.ts';
import type { OrderDependencies } from './order-dependencies.ts';
import { orderStream, replay, toNewEvent } from './order-streams.ts';

/** An answer of the inventory service, as received. */
export type AnswerMessage = EventOf<typeof InventoryReserved> | EventOf<typeof InventoryUnavailable>;

type Decided = { message: AnswerMessage; decision: readonly OrderEvent[] | Ignored };

/** How often a batch is decided again because somebody else changed one of its orders at the same moment. */
const MAX_TRIES = 5;

/**
 * Applies a batch of answers in one transaction: inbox ids, new events and the read model are written together or not at all. Several
 * answers to the same order are decided one after the other; a message that has been handled changes nothing.
 * @throws `ORDER_NOT_FOUND`, `ORDER_CONTESTED`
 */
export function createAnswerApplication({ store, clock, logger, decisions }: OrderDependencies) {
  async function decideAndAppend(
    tx: StoreTransaction,
    messages: readonly AnswerMessage[],
    triesLeft: number,
  ): Promise<Decided[]> {
    if (messages.length === 0) return [];
    if (triesLeft === 0) throw orderErrors.ORDER_CONTESTED(`${messages.length} orders were changed again and again`);
    const streams = await tx.load([...new Set(messages.map(streamOf))]);
    const { decided, operations } = decideInSequence(messages, streams, clock.now());
    const outcomes = await tx.append(operations);
    const lost = new Set(operations.filter((_, at) => outcomes[at]?.status === 'conflict').map((one) => one.streamId));
    const again = messages.filter((message) => lost.has(streamOf(message)));
    const kept = decided.filter(({ message }) => !lost.has(streamOf(message)));
    return [...kept, ...(await decideAndAppend(tx, again, triesLeft - 1))];
  }

  function report({ message, decision }: Decided): void {
    const about = {
      orderId: message.data.orderId,
      messageId: message.id,
      correlationId: message.metadata.correlationId,
    };
    if ('outcome' in decision) {
      decisions.inc({ message: message.type, outcome: 'ignored' });
      logger.info({ ...about, reason: decision.reason }, `${message.type} ignored`);
      return;
    }
    for (const event of decision) {
      decisions.inc({ message: message.type, outcome: event.type });
      logger.debug({ ...about, event: event.type }, 'order changed');
    }
  }

  /** @param queue the consumer under whose name the messages are noted as handled */
  return async (queue: string, messages: readonly AnswerMessage[]): Promise<void> => {
    const decided = await store.transaction(async (tx) =>
      decideAndAppend(tx, await claimFresh(tx, queue, messages), MAX_TRIES),
    );
    decided.forEach(report);
  };
}

const streamOf = ({ data }: AnswerMessage): string => orderStream(data.orderId);

/** Decides each message on what those before it have left. Gives at most one operation per stream. */
function decideInSequence(
  messages: readonly AnswerMessage[],
  streams: ReadonlyMap<string, readonly RecordedEvent[]>,
  now: Date,
): { decided: Decided[]; operations: AppendOperation[] } {
  const orders = new Map([...streams].map(([stream, events]) => [stream, replay(events)]));
  const added = new Map<string, NewEvent[]>();
  const decided = messages.map((message): Decided => {
    const stream = streamOf(message);
    const order = orders.get(stream) ?? replay([]);
    const decision = decide(order, message);
    if ('outcome' in decision) return { message, decision };
    const cause = { correlationId: message.metadata.correlationId, causationId: message.id };
    const events = decision.map((event) => toNewEvent(event, message.data.orderId, { cause, now }));
    orders.set(stream, decision.reduce(evolve, order));
    added.set(stream, [...(added.get(stream) ?? []), ...events]);
    return { message, decision };
  });
  const operations = [...added].map(([streamId, events]) => ({
    streamId,
    expectedVersion: streams.get(streamId)?.length ?? 0,
    events,
  }));
  return { decided, operations };
}
