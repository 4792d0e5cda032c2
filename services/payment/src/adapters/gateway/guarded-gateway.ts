import { isAppError } from '@warren/kernel';
import CircuitBreaker from 'opossum';
import type { GuardedGateway, PaymentGateway } from '../../application/payment-gateway.ts';
import { paymentErrors } from '../../domain/payment-errors.ts';

export interface GuardOptions {
  /** How long a call may take, in milliseconds. */
  timeoutMs: number;
  /** The breaker opens when at least so many calls were made within `resetMs`, and most of them were not answered. */
  failures: number;
  /** How long the gateway is left alone before one call tries it again, in milliseconds. */
  resetMs: number;
}

/** Gives each call of a gateway a time limit, and leaves a gateway alone that does not answer. */
export function createGuardedGateway(
  gateway: PaymentGateway,
  { timeoutMs, failures, resetMs }: GuardOptions,
): GuardedGateway {
  const circuit: CircuitBreaker<[() => Promise<unknown>, AbortSignal]> = new CircuitBreaker(
    (call: () => Promise<unknown>, _signal: AbortSignal) => call(),
    {
      timeout: false,
      volumeThreshold: failures,
      errorThresholdPercentage: 50,
      resetTimeout: resetMs,
      rollingCountTimeout: resetMs,
      // They keep the time of each call of that window, and sort all of them at each failure.
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      // Gets what `fire` got, beside the error.
      errorFilter: (error: unknown, ...[, signal]: unknown[]) => isAnswered(error) || isGivenUp(signal as AbortSignal),
    },
  );

  /** A refusal is an answer too. */
  const isAnswered = (error: unknown) => !(isAppError(error) && error.kind === 'transient');

  /**
   * Ended by the caller, a call is not held against the gateway: opossum counts it as answered. Half-open, that would close the circuit, so
   * there it counts as failed.
   */
  const isGivenUp = (signal: AbortSignal): boolean => signal.aborted && !circuit.halfOpen;

  async function guard<Result>(call: (signal: AbortSignal) => Promise<Result>, signal: AbortSignal): Promise<Result> {
    const limit = new AbortController();
    const abort = () => limit.abort();
    const timer = setTimeout(abort, timeoutMs);
    // By hand: signals made by AbortSignal.any stay with a signal that lives as long as the process.
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    try {
      return (await circuit.fire(() => call(limit.signal), signal)) as Result;
    } catch (error) {
      if (!CircuitBreaker.isOurError(error as Error)) throw error;
      throw paymentErrors.GATEWAY_UNAVAILABLE('the gateway is left alone for now', { cause: error });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  return {
    charge: (request, signal) => guard((limited) => gateway.charge(request, limited), signal),
    refund: (request, signal) => guard((limited) => gateway.refund(request, limited), signal),
    get state() {
      if (circuit.halfOpen) return 'half-open';
      return circuit.opened ? 'open' : 'closed';
    },
    stop: () => circuit.shutdown(),
  };
}
