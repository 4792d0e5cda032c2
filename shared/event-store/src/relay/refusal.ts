import type { PublishOutcome } from '@warren/contracts';

/** Why an event was not published, where trying again at once does not help. */
export interface Refusal {
  /** It concerns this event alone; else all of its kind. */
  alone: boolean;
  reason: string;
}

/** The refusal that an outcome means; undefined when the event went out, or may go out at the next try. */
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
