import { isAppError } from '@warren/kernel';
import CircuitBreaker from 'opossum';
import type { GuardedGateway, PaymentGateway } from '../../application/payment-gateway.ts';
import { paymentErrors } from '../../domain/payment-errors.ts';

export interface GuardOptions {
  /** How long a call may take, in milliseconds. */
  timeoutMs: number;
  /** The breaker opens when at least this many calls were made within `resetMs` and most of them got no answer. */
  failures: number;
  /** How long the breaker stays open before one call probes the gateway, in milliseconds. */
  resetMs: number;
}

/** Wraps a gateway: each call has a timeout, and a circuit breaker rejects calls while the gateway does not answer. */
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
      // Percentiles and snapshots would keep the duration of each call in the window and sort them at every failure.
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      // opossum passes the error, then the arguments of `fire`.
      errorFilter: (error: unknown, ...[, signal]: unknown[]) => isAnswered(error) || isAborted(signal as AbortSignal),
    },
  );

  /** A rejected request is an answer too. */
  const isAnswered = (error: unknown) => !(isAppError(error) && error.kind === 'transient');

  /**
   * A call that its caller aborts is no failure of the gateway, so opossum counts it as a success. In half-open that would close the circuit,
   * so there it counts as a failure.
   */
  const isAborted = (signal: AbortSignal): boolean => signal.aborted && !circuit.halfOpen;

  async function guard<Result>(call: (signal: AbortSignal) => Promise<Result>, signal: AbortSignal): Promise<Result> {
    const limit = new AbortController();
    const abort = () => limit.abort();
    const timer = setTimeout(abort, timeoutMs);
    // Not AbortSignal.any: a source signal that lives as long as the process would retain every derived signal.
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    try {
      return (await circuit.fire(() => call(limit.signal), signal)) as Result;
    } catch (error) {
      if (!CircuitBreaker.isOurError(error as Error)) throw error;
      throw paymentErrors.GATEWAY_UNAVAILABLE('the circuit breaker of the gateway is open', { cause: error });
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
