import type { Cause } from './event-contract.ts';

/** What a use case is called with: what was asked, and what the request carries on into the events that follow from it. */
export type RequestOf<Data = unknown> = Data & {
  readonly cause: Cause;
  /** The Idempotency-Key, of a route that takes one. @default none */
  readonly key?: string | undefined;
  /** The versions (numbers of events) that the request may change. @default any */
  readonly ifMatch?: readonly number[] | undefined;
};
