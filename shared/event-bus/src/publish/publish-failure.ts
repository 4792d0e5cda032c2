import type { AppError } from '@warren/kernel';
import type { BrokerOutcome } from '../broker.ts';
import { busErrors } from '../bus-errors.ts';

type Unconfirmed = Exclude<BrokerOutcome, { status: 'confirmed' }>;

const CODES = {
  returned: 'PUBLISH_RETURNED',
  nacked: 'PUBLISH_NACKED',
  unknown: 'PUBLISH_UNKNOWN',
  unsendable: 'MESSAGE_UNSENDABLE',
} as const satisfies Record<Unconfirmed['status'], keyof typeof busErrors>;

/**
 * The error for a message that the broker did not confirm, with the outcome in `details.outcome`.
 * @param what begins its message: the event or the queue
 */
export function publishFailure(what: string, outcome: Unconfirmed, details: Record<string, unknown> = {}): AppError {
  return busErrors[CODES[outcome.status]](`${what}: ${outcome.reason}`, { details: { outcome, ...details } });
}
