import { groupBy } from '@warren/kernel';

/** An event of some service's log. */
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
  /** Of the distributed trace that it belongs to, if any. */
  traceId?: string;
  /** Ids of the messages that it is published as. */
  messageIds: readonly string[];
}

/** That a consumer has handled a message. */
export interface Handling {
  messageId: string;
  /** The consumer's queue. */
  consumer: string;
  /** When the transaction began in which it did. */
  time: Date;
}

/** An event, and what followed from it. */
export interface CausalNode {
  event: LoggedEvent;
  /** Who has handled it, by time. */
  handled: readonly Handling[];
  /** What followed from it, by time. */
  children: readonly CausalNode[];
  /** Why it stands at the top though it was caused by a message. */
  note?: string;
}

/**
 * Orders events under their causes. At the top, by time, stand those that began a chain; with a note also those whose cause is not among
 * the events, and of those that cause each other in a circle the first.
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
  // Nothing leads to what is left: it is in a circle, or follows from one.
  for (const event of inOrder) {
    if (open.has(event)) trees.push({ ...grow(event), note: `its cause ${event.causationId} follows from it` });
  }
  return trees.toSorted((a, b) => byTime(a.event, b.event));
}

/** Whether something in a tree is what is looked for. */
export function isAbout({ event, children }: CausalNode, isMeant: (event: LoggedEvent) => boolean): boolean {
  return isMeant(event) || children.some((child) => isAbout(child, isMeant));
}

function missingCause({ causationId, correlationId }: LoggedEvent): { note?: string } {
  return causationId === correlationId ? {} : { note: `its cause ${causationId} is in no log` };
}

const byTime = (a: { time: Date }, b: { time: Date }): number => a.time.getTime() - b.time.getTime();
