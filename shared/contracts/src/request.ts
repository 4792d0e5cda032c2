import type { Cause } from './event-contract.ts';

/** The argument of a use case: the request's data, and the cause that its events inherit. */
export type RequestOf<Data = unknown> = Data & {
  readonly cause: Cause;
  /** The Idempotency-Key, if the route accepts one. @default none */
  readonly key?: string | undefined;
  /** The versions (numbers of events) that the request may change. @default any */
  readonly ifMatch?: readonly number[] | undefined;
};
