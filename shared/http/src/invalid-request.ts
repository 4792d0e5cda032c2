import type { AppError } from '@warren/kernel';
import { httpErrors } from './http-errors.ts';
import type { RequestFault } from './problem-details.ts';

/** What reading a part of a request gives: its value if it is valid, else every fault of it. */
export type Parsed<Value> = { value: Value } | { faults: RequestFault[] };

/** Reads a part of a request by a schema; a validator of `@warren/contracts` is one. */
export function parseBy<Value>(
  validator: { is(given: unknown): given is Value; faults(given: unknown): RequestFault[] },
  given: unknown,
): Parsed<Value> {
  return validator.is(given) ? { value: given } : { faults: validator.faults(given) };
}

/** The faults of what was read; empty when it is valid. */
export const faultsOf = (parsed: Parsed<unknown>): RequestFault[] => ('faults' in parsed ? parsed.faults : []);

/** `REQUEST_INVALID` that lists every fault. `what` begins its sentence: "the order". */
export function invalidRequest(what: string, faults: RequestFault[]): AppError {
  const [first, ...others] = faults;
  const more = others.length > 0 ? `, and ${others.length} more (see errors)` : '';
  return httpErrors.REQUEST_INVALID(`${what} is not valid: ${first?.path} ${first?.message}${more}`, {
    details: { faults },
  });
}
