import type { PaymentDependencies } from './payment-dependencies.ts';
import { createPaymentSettlement } from './settle-payment.ts';
import { createOrderEventIntake, type OrderMessage } from './take-order-events.ts';

/** Everything that the payment service can do. */
export interface Payments {
  /** A batch of events about orders, all or nothing. @throws `PAYMENT_CONTESTED` */
  takeOrderEvents(messages: readonly OrderMessage[]): Promise<void>;
  /** Asks the gateway about one order's payment, if there is anything to ask. @throws `GATEWAY_UNAVAILABLE`, `GATEWAY_REFUSED` */
  settlePayment(orderId: string, signal: AbortSignal): Promise<void>;
}

export function createPayments(dependencies: PaymentDependencies): Payments {
  return {
    takeOrderEvents: createOrderEventIntake(dependencies),
    settlePayment: createPaymentSettlement(dependencies),
  };
}
