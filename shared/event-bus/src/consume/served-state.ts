import type { AppError } from '@warren/kernel';
import type { BreakerState } from './breaker.ts';

/**
 * | state | means |
 * |---|---|
 * | `consuming` | working normally |
 * | `waiting` | the broker does not have the consumer |
 * | `refused` | the queue exists with other arguments |
 * | `resting`, `trying` | a circuit breaker is open or half-open |
 * | `stalled` | a stream has messages, but its reader does not progress |
 */
export type ServedState = 'consuming' | 'waiting' | 'refused' | 'resting' | 'trying' | 'stalled';

interface Served {
  readonly queue: string;
  /** Why the broker refuses the queue. */
  readonly refusal: AppError | undefined;
  readonly breakerState?: BreakerState;
  isConsuming(): boolean;
  isStalled?(): boolean;
}

/** Returns the state of a queue or stream. */
export function stateOf(served: Served): ServedState {
  const { refusal, breakerState = 'closed' } = served;
  if (refusal) return 'refused';
  if (!served.isConsuming()) return 'waiting';
  if (served.isStalled?.()) return 'stalled';
  if (breakerState === 'closed') return 'consuming';
  return breakerState === 'open' ? 'resting' : 'trying';
}

/** Why a queue or stream is not being consumed, in one sentence. */
export function reasonOf(served: Served & { readonly failure?: AppError | undefined }): string {
  const { queue, refusal, failure } = served;
  const reasons: Record<ServedState, string> = {
    consuming: 'it is being consumed',
    waiting: failure?.message ?? 'the broker does not have the consumer yet',
    refused: refusal?.message ?? 'the broker refuses it',
    resting: 'most of its calls failed; it is paused until their dependency is back',
    trying: 'it is being tried again after a pause',
    stalled: 'its reader does not finish the messages it was given',
  };
  return `${queue} is ${stateOf(served)}: ${reasons[stateOf(served)]}`;
}
