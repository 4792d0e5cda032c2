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
 * no reason for the others to stop. One for which nothing goes out counts as confirmed.
 */
export async function publishEvent(event: RecordedEvent, options: PublishEventOptions): Promise<PublishOutcome> {
  const { publisher, toWire, metrics } = options;
  let wire: EventEnvelope | undefined;
  try {
    wire = toWire(event);
  } catch (error) {
    const { code, message } = toAppError(error);
    return { status: 'returned', reason: `it cannot be put on the wire: ${code} ${message}` };
  }
  if (!wire) return { status: 'confirmed' };
  try {
    const outcome = await publisher.send(wire);
    if (outcome.status === 'confirmed') metrics.published.inc();
    return outcome;
  } catch (error) {
    return { status: 'unknown', reason: `the publisher failed: ${toAppError(error).message}` };
  }
}
