import { busErrors } from './bus-errors.ts';

/** @throws `BUS_OPTIONS_INVALID` unless the value is a whole number from `min` to `max`, inclusive. */
export function requireInteger(name: string, value: number, min: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw busErrors.BUS_OPTIONS_INVALID(`${name} must be a whole number from ${min} to ${max}, not ${value}`);
}
