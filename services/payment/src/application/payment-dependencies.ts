import type { EventStore } from '@warren/event-store';
import type { Clock, Counter, Logger } from '@warren/kernel';
import type { OpenPayments } from './open-payments.ts';
import type { PaymentGateway } from './payment-gateway.ts';

/** What the payment service needs of the world. */
export interface PaymentDependencies {
  store: EventStore;
  open: OpenPayments;
  gateway: PaymentGateway;
  clock: Clock;
  logger: Logger;
  /** Counts what became of each message and answer: the event that followed, or `ignored`. */
  decisions: Counter<'message' | 'outcome'>;
}
