import type { AppError } from '@warren/kernel';
import type { BreakerState } from './breaker.ts';

/**
 * | state | means |
 * |---|---|
 * | `consuming` | all is well |
 * | `waiting` | the broker does not have the consumer |
 * | `refused` | the broker has the queue with other arguments |
 * | `resting`, `trying` | a circuit breaker is open or half-open |
 * | `stalled` | a stream is not read on, though something is there |
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

/** How a queue or a stream is being served. */
export function stateOf(served: Served): ServedState {
  const { refusal, breakerState = 'closed' } = served;
  if (refusal) return 'refused';
  if (!served.isConsuming()) return 'waiting';
  if (served.isStalled?.()) return 'stalled';
  if (breakerState === 'closed') return 'consuming';
  return breakerState === 'open' ? 'resting' : 'trying';
}

/** Why a queue or a stream is not being consumed, in one sentence. */
export function reasonOf(served: Served & { readonly failure?: AppError | undefined }): string {
  const { queue, refusal, failure } = served;
  const reasons: Record<ServedState, string> = {
    consuming: 'it is consumed',
    waiting: failure?.message ?? 'the broker does not have the consumer yet',
    refused: refusal?.message ?? 'the broker refuses it',
    resting: 'most of its calls failed, and it rests until what they need is back',
    trying: 'it is tried again after a rest',
    stalled: 'what was read of it is not dealt with',
  };
  return `${queue} is ${stateOf(served)}: ${reasons[stateOf(served)]}`;
}
