import type { EventEnvelope } from './event-contract.ts';

/**
 * What became of a published event.
 *
 * | status | means | what the caller does |
 * |---|---|---|
 * | `confirmed` | the broker has it, on disk, in every queue that is bound to its key | nothing |
 * | `returned` | the broker took it, no queue wanted it, though one should have | park and report it; publish again later |
 * | `nacked` | a queue refused it, because it is full or failed; other queues may have it | as `returned`: each try is one more copy for those other queues |
 * | `unsendable` | this very event cannot be published: too large for the broker, or in no catalogue | park and report it; it says nothing of other events |
 * | `unknown` | the connection was lost or time ran out: the broker may or may not have it | publish again under the same id |
 * | `unsent` | the publisher cannot publish now, or has no room; the broker has not seen it | publish again, a little later |
 *
 * `routeFault` on an `unknown` one: the exchange and routing key are the reason, so that the next message would fare no better. The exchange
 * is gone or may not be written to (`refused`), or no confirm came in time (`unanswered`). Treat it as `nacked`.
 */
export type PublishOutcome =
  | { status: 'confirmed' }
  | { status: 'returned' | 'nacked' | 'unsendable'; reason: string }
  | { status: 'unknown'; reason: string; routeFault?: 'refused' | 'unanswered' }
  | { status: 'unsent'; reason: string };

/** What the relay needs of a bus. `@warren/event-bus` is one; a test may bring its own. */
export interface EventPublisher {
  /**
   * Publishes one event and returns its outcome; never rejects. Events reach the broker in the order of the calls.
   * Waits while the window of unconfirmed messages is full.
   */
  tryPublish(event: EventEnvelope): Promise<PublishOutcome>;
  /** False while publishing cannot succeed: disconnected, or blocked by an alarm of the broker. */
  canPublish(): boolean;
}
