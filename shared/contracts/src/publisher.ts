import type { EventEnvelope } from './event-contract.ts';

/**
 * What became of a published event.
 *
 * | status | means | what the caller does |
 * |---|---|---|
 * | `confirmed` | the broker has it, on disk, in every queue that is bound to its key | nothing |
 * | `returned` | the broker took it, no queue wanted it, though one should have | park and report it; publish again later |
 * | `nacked` | the broker refused it (a full queue, an internal error) | publish again under the same id |
 * | `unknown` | the connection was lost or time ran out: the broker may or may not have it | publish again under the same id |
 */
export type PublishOutcome = { status: 'confirmed' } | { status: 'returned' | 'nacked' | 'unknown'; reason: string };

/** What the relay needs of a bus. `@warren/event-bus` is one; a test may bring its own. */
export interface EventPublisher {
  /**
   * Publishes one event and gives its outcome; never rejects. Events are handed to the broker in the order of the calls.
   * Waits while the window of unconfirmed messages is full.
   */
  send(event: EventEnvelope): Promise<PublishOutcome>;
  /** False while publishing cannot succeed: disconnected, or blocked by an alarm of the broker. */
  canPublish(): boolean;
}
