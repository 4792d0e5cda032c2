import { groupBy } from '@warren/kernel';

/** An event in the log of a service. */
export interface LoggedEvent {
  id: string;
  type: string;
  version: number;
  /** Name of the service that recorded it. */
  service: string;
  /** `<category>-<id>` */
  streamId: string;
  aggregateId: string;
  /** When it happened. */
  time: Date;
  correlationId: string;
  causationId: string;
  /** Id of the distributed trace that it belongs to, if any. */
  traceId?: string;
  /** Ids of the messages that it is published as. */
  messageIds: readonly string[];
}

/** The record that a consumer has handled a message. */
export interface Handling {
  messageId: string;
  /** The consumer's queue. */
  consumer: string;
  /** When the transaction that handled the message began. */
  time: Date;
}

/** An event and its effects. */
export interface CausalNode {
  event: LoggedEvent;
  /** The consumers that have handled it, by time. */
  handled: readonly Handling[];
  /** The events that it caused, by time. */
  children: readonly CausalNode[];
  /** Why it is a root although a message caused it. */
  note?: string;
}

/**
 * Arranges events under their causes. The roots, by time, are the events that began a chain. Events whose cause is missing, and the first
 * event of each cycle of causes, are roots with a note.
 */
export function buildCausalTrees(events: readonly LoggedEvent[], handlings: readonly Handling[] = []): CausalNode[] {
  const inOrder = events.toSorted(byTime);
  const byMessage = new Map(inOrder.flatMap((event) => [event.id, ...event.messageIds].map((id) => [id, event])));
  const followers = groupBy(inOrder, (event) => byMessage.get(event.causationId));
  const handledBy = groupBy(handlings.toSorted(byTime), ({ messageId }) => byMessage.get(messageId));
  const open = new Set(inOrder);

  function grow(event: LoggedEvent): CausalNode {
    open.delete(event);
    const next = (followers.get(event) ?? []).filter((follower) => open.has(follower));
    return { event, handled: handledBy.get(event) ?? [], children: next.map(grow) };
  }

  const trees = (followers.get(undefined) ?? []).map((event) => ({ ...grow(event), ...missingCause(event) }));
  // The remaining events cannot be reached from a root: they are in a cycle, or follow from one.
  for (const event of inOrder) {
    if (open.has(event)) trees.push({ ...grow(event), note: `its cause ${event.causationId} follows from it` });
  }
  return trees.toSorted((a, b) => byTime(a.event, b.event));
}

/** Whether any node of a tree satisfies the predicate. */
export function isAbout({ event, children }: CausalNode, isMeant: (event: LoggedEvent) => boolean): boolean {
  return isMeant(event) || children.some((child) => isAbout(child, isMeant));
}

function missingCause({ causationId, correlationId }: LoggedEvent): { note?: string } {
  return causationId === correlationId ? {} : { note: `its cause ${causationId} is in no log` };
}

const byTime = (a: { time: Date }, b: { time: Date }): number => a.time.getTime() - b.time.getTime();
