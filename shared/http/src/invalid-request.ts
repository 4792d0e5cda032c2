import type { AppError } from '@warren/kernel';
import { httpErrors } from './http-errors.ts';
import type { RequestFault } from './problem-details.ts';

/** The result of reading a part of a request: its value if valid, else all of its faults. */
export type Parsed<Value> = { value: Value } | { faults: RequestFault[] };

/** Reads a part of a request with a validator, such as one from `@warren/contracts`. */
export function parseBy<Value>(
  validator: { is(given: unknown): given is Value; faults(given: unknown): RequestFault[] },
  given: unknown,
): Parsed<Value> {
  return validator.is(given) ? { value: given } : { faults: validator.faults(given) };
}

/** The faults found; empty when the part is valid. */
export const faultsOf = (parsed: Parsed<unknown>): RequestFault[] => ('faults' in parsed ? parsed.faults : []);

/** A `REQUEST_INVALID` that lists every fault. `what` starts its sentence: "the order". */
export function invalidRequest(what: string, faults: RequestFault[]): AppError {
  const [first, ...others] = faults;
  const more = others.length > 0 ? `, and ${others.length} more (see errors)` : '';
  return httpErrors.REQUEST_INVALID(`${what} is not valid: ${first?.path} ${first?.message}${more}`, {
    details: { faults },
  });
}
