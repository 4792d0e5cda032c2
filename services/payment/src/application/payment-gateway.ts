import type { ChargeAnswer, Total } from '../domain/payment.ts';

/** An amount to be taken for an order. */
export interface ChargeRequest extends Total {
  orderId: string;
  /** The same at each call for the same charge; however often it is called, money moves once. */
  idempotencyKey: string;
}

/** A charge to be given back, whole. */
export interface RefundRequest extends ChargeRequest {
  /** How the gateway calls the charge. */
  paymentId: string;
}

/**
 * Whoever moves the money. A call that is rejected says nothing about whether money has moved: it is made again under the same key.
 * `signal` is aborted when the caller waits no longer.
 */
export interface PaymentGateway {
  /** Returns the answers in the order in which they came: one, or the same one twice. @throws `GATEWAY_UNAVAILABLE`, `GATEWAY_REFUSED` */
  charge(request: ChargeRequest, signal: AbortSignal): Promise<readonly ChargeAnswer[]>;
  /** @throws `GATEWAY_UNAVAILABLE`, `GATEWAY_REFUSED` */
  refund(request: RefundRequest, signal: AbortSignal): Promise<void>;
}

/** `open`: it is not called for now, and calls fail at once. `half-open`: one call finds out whether it answers again. */
export type GatewayState = 'closed' | 'open' | 'half-open';

/** A gateway that is left alone while it does not answer. */
export interface GuardedGateway extends PaymentGateway {
  readonly state: GatewayState;
  /** Lets go of timers. */
  stop(): void;
}
