import type { EventEnvelope, EventPublisher, PublishOutcome } from '@warren/contracts';
import { toAppError } from '@warren/kernel';
import type { RecordedEvent } from '../log/event-store.ts';
import { refusalIn } from './refusal.ts';
import type { ToWire } from './relay.ts';
import type { RelayMetrics } from './relay-metrics.ts';

export interface PublishEventOptions {
  publisher: EventPublisher;
  toWire: ToWire;
  metrics: RelayMetrics;
}

/**
 * Publishes one event and returns its outcome; never rejects. An event that `toWire` cannot convert is `unsendable`. An event without messages
 * counts as confirmed; an event with several messages is confirmed when all of them are.
 */
export async function publishEvent(event: RecordedEvent, options: PublishEventOptions): Promise<PublishOutcome> {
  let wire: ReturnType<ToWire>;
  try {
    wire = options.toWire(event);
  } catch (error) {
    const { code, message } = toAppError(error);
    return { status: 'unsendable', reason: `the event cannot be converted to messages: ${code} ${message}` };
  }
  if (wire && 'type' in wire) return publish(wire, options);
  return worstOf(await Promise.all((wire ?? []).map((message) => publish(message, options))));
}

async function publish(
  message: EventEnvelope,
  { publisher, metrics }: Omit<PublishEventOptions, 'toWire'>,
): Promise<PublishOutcome> {
  try {
    const outcome = await publisher.tryPublish(message);
    if (outcome.status === 'confirmed') metrics.published.inc();
    return outcome;
  } catch (error) {
    return { status: 'unknown', reason: `the publisher failed: ${toAppError(error).message}` };
  }
}

/** Returns the outcome that decides: first one that may succeed at the next attempt, then a refusal of this event alone. */
function worstOf(outcomes: readonly PublishOutcome[]): PublishOutcome {
  const failed = outcomes.filter(({ status }) => status !== 'confirmed');
  return (
    failed.find((outcome) => refusalIn(outcome) === undefined) ??
    failed.find((outcome) => refusalIn(outcome)?.alone) ??
    failed[0] ?? { status: 'confirmed' }
  );
}
