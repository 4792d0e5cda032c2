import type { ChargeAnswer, Total } from '../domain/payment.ts';

/** An amount to charge for an order. */
export interface ChargeRequest extends Total {
  orderId: string;
  /** The same for every call about the same charge: however many there are, money moves once. */
  idempotencyKey: string;
}

/** A charge to refund in full. */
export interface RefundRequest extends ChargeRequest {
  /** The gateway's id of the charge. */
  paymentId: string;
}

/**
 * The service that moves money. A rejected call leaves open whether money has moved: it is repeated under the same key. `signal` is aborted
 * when the caller stops waiting.
 */
export interface PaymentGateway {
  /** Returns the answers in the order of arrival: one, or the same one twice. @throws `GATEWAY_UNAVAILABLE`, `GATEWAY_REFUSED` */
  charge(request: ChargeRequest, signal: AbortSignal): Promise<readonly ChargeAnswer[]>;
  /** @throws `GATEWAY_UNAVAILABLE`, `GATEWAY_REFUSED` */
  refund(request: RefundRequest, signal: AbortSignal): Promise<void>;
}

/** The state of the circuit breaker. `open`: calls fail at once. `half-open`: one call probes whether the gateway answers again. */
export type GatewayState = 'closed' | 'open' | 'half-open';

/** A gateway behind a circuit breaker. */
export interface GuardedGateway extends PaymentGateway {
  readonly state: GatewayState;
  /** Releases timers. */
  stop(): void;
}
