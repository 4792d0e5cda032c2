import type { EventEnvelope } from '@warren/contracts';
import type { Ignored, ReservationEvent } from '../domain/reservation.ts';
import type { InventoryDependencies } from './inventory-dependencies.ts';
import type { Answer } from './reservation-streams.ts';

/** What was decided about a message. */
export interface DecidedMessage {
  orderId: string;
  message: Pick<EventEnvelope, 'id' | 'type' | 'metadata'>;
  decision: readonly ReservationEvent[] | Ignored;
}

/** What is to be written of a decision. */
export function answersOf({ orderId, message, decision }: DecidedMessage): Answer[] {
  return 'outcome' in decision ? [] : decision.map((event) => ({ orderId, cause: message, event }));
}

/** Counts and logs what became of messages, once it is committed. */
export function createDecisionReport({ logger, decisions }: Pick<InventoryDependencies, 'logger' | 'decisions'>) {
  return ({ orderId, message, decision }: DecidedMessage): void => {
    const about = { orderId, messageId: message.id, correlationId: message.metadata.correlationId };
    if ('outcome' in decision) {
      decisions.inc({ message: message.type, outcome: 'ignored' });
      logger.info({ ...about, reason: decision.reason }, `${message.type} ignored`);
      return;
    }
    for (const event of decision) {
      decisions.inc({ message: message.type, outcome: event.type });
      logger.debug({ ...about, event: event.type }, 'order answered');
    }
  };
}
