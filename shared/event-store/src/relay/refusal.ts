import type { PublishOutcome } from '@warren/contracts';

/** Why an event was not published, when an immediate retry would not help. */
export interface Refusal {
  /** True if only this event is refused; false if all events of its kind are. */
  alone: boolean;
  reason: string;
}

/** Returns the refusal that an outcome implies; undefined if the event was published or may be at the next attempt. */
export function refusalIn(outcome: PublishOutcome): Refusal | undefined {
  switch (outcome.status) {
    case 'confirmed':
    case 'unsent':
      return undefined;
    case 'unknown':
      return outcome.routeFault ? { alone: false, reason: outcome.reason } : undefined;
    case 'returned':
    case 'nacked':
      return { alone: false, reason: outcome.reason };
    case 'unsendable':
      return { alone: true, reason: outcome.reason };
  }
}
