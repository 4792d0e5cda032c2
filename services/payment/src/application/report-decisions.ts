import type { DecidedRequest } from './decide-payments.ts';
import type { PaymentDependencies } from './payment-dependencies.ts';

/** Counts and logs what became of requests, once it is committed. */
export function createDecisionReport({ logger, decisions }: Pick<PaymentDependencies, 'logger' | 'decisions'>) {
  return ({ request: { orderId, input, cause }, decision }: DecidedRequest): void => {
    const about = { orderId, messageId: cause.causationId, correlationId: cause.correlationId };
    if ('outcome' in decision) {
      decisions.inc({ message: input.type, outcome: 'ignored' });
      logger.info({ ...about, reason: decision.reason }, `${input.type} ignored`);
      return;
    }
    for (const event of decision) {
      decisions.inc({ message: input.type, outcome: event.type });
      logger.debug({ ...about, event: event.type }, 'payment changed');
    }
  };
}
