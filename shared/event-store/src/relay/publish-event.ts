import type { EventEnvelope, EventPublisher, PublishOutcome } from '@warren/contracts';
import { toAppError } from '@warren/kernel';
import type { RecordedEvent } from '../event-store.ts';
import type { ToWire } from './relay.ts';
import type { RelayMetrics } from './relay-metrics.ts';

export interface PublishEventOptions {
  publisher: EventPublisher;
  toWire: ToWire;
  metrics: RelayMetrics;
}

/**
 * Publishes one event and gives an outcome whatever happens. An event that cannot be put on the wire counts as returned: it is parked, and
 * no reason for the others to stop. One for which nothing goes out counts as confirmed; one of several messages, when all are confirmed.
 */
export async function publishEvent(event: RecordedEvent, options: PublishEventOptions): Promise<PublishOutcome> {
  let wire: ReturnType<ToWire>;
  try {
    wire = options.toWire(event);
  } catch (error) {
    const { code, message } = toAppError(error);
    return { status: 'returned', reason: `it cannot be put on the wire: ${code} ${message}` };
  }
  if (wire && 'type' in wire) return publish(wire, options);
  return worstOf(await Promise.all((wire ?? []).map((message) => publish(message, options))));
}

async function publish(
  message: EventEnvelope,
  { publisher, metrics }: Omit<PublishEventOptions, 'toWire'>,
): Promise<PublishOutcome> {
  try {
    const outcome = await publisher.send(message);
    if (outcome.status === 'confirmed') metrics.published.inc();
    return outcome;
  } catch (error) {
    return { status: 'unknown', reason: `the publisher failed: ${toAppError(error).message}` };
  }
}

/** What may still succeed is tried again first; only then is a message that nobody wants a reason to park the event. */
function worstOf(outcomes: readonly PublishOutcome[]): PublishOutcome {
  const again = outcomes.find(({ status }) => status === 'nacked' || status === 'unknown');
  return again ?? outcomes.find(({ status }) => status === 'returned') ?? { status: 'confirmed' };
}
