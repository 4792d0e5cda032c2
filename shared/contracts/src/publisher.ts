import type { EventEnvelope } from './event-contract.ts';

/**
 * The outcome of publishing an event.
 *
 * | status | meaning | what the caller does |
 * |---|---|---|
 * | `confirmed` | the broker has stored the event on disk in every queue that is bound to its routing key | nothing |
 * | `returned` | the broker accepted the event, but no queue took it, although one should have | park and report it; publish it again later |
 * | `nacked` | a queue rejected the event because it is full or failed; other queues may have it | as `returned`: each attempt adds a copy to those other queues |
 * | `unsendable` | this event can never be published: it is too large for the broker, or in no catalogue | park and report it; other events are not affected |
 * | `unknown` | the connection was lost or time ran out: the broker may or may not have the event | publish it again under the same id |
 * | `unsent` | the publisher cannot publish now, or has no room; the broker has not seen the event | publish it again a little later |
 *
 * An `unknown` outcome has a `routeFault` if the exchange or routing key is the cause, so that the next message would fail too: the exchange is
 * gone or not writable (`refused`), or no confirm arrived in time (`unanswered`). Treat it as `nacked`.
 */
export type PublishOutcome =
  | { status: 'confirmed' }
  | { status: 'returned' | 'nacked' | 'unsendable'; reason: string }
  | { status: 'unknown'; reason: string; routeFault?: 'refused' | 'unanswered' }
  | { status: 'unsent'; reason: string };

/** The part of a bus that the relay needs. `@warren/event-bus` implements it; a test may use its own. */
export interface EventPublisher {
  /**
   * Publishes one event and returns its outcome; never rejects. Events reach the broker in the order of the calls.
   * Waits while the window of unconfirmed messages is full.
   */
  tryPublish(event: EventEnvelope): Promise<PublishOutcome>;
  /** False while publishing cannot succeed: disconnected, or blocked by a broker alarm. */
  canPublish(): boolean;
}
