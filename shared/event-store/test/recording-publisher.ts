import type { EventEnvelope, EventPublisher, PublishOutcome } from '@warren/contracts';

export interface RecordingPublisher extends EventPublisher {
  /** Everything handed over, in order. */
  readonly sent: EventEnvelope[];
  /** Everything confirmed, in order. */
  readonly confirmed: EventEnvelope[];
  /** Decides each outcome. @default confirmed */
  answer: (event: EventEnvelope) => PublishOutcome | Promise<PublishOutcome>;
  /** What `canPublish` says. @default true */
  open: boolean;
}

/** A bus that remembers what it was given and answers as it is told. */
export function createRecordingPublisher(): RecordingPublisher {
  const publisher: RecordingPublisher = {
    sent: [],
    confirmed: [],
    answer: () => ({ status: 'confirmed' }),
    open: true,
    canPublish: () => publisher.open,
    async tryPublish(event) {
      publisher.sent.push(event);
      const outcome = await publisher.answer(event);
      if (outcome.status === 'confirmed') publisher.confirmed.push(event);
      return outcome;
    },
  };
  return publisher;
}

/** The numbers that `newEvent` gave the events. */
export function numbersOf(events: readonly { data: unknown }[]): number[] {
  return events.map((event) => (event.data as { n: number }).n);
}
