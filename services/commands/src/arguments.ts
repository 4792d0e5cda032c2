import { InvalidArgumentError } from 'commander';

// What the contract of `ReceiveStock` accepts, restated so that the help need not load it. A test compares the two.
const PRODUCT_ID = /^[^\p{Cc}\p{Cs}]{1,128}$/u;
const MAX_QUANTITY = 1_000_000_000;

/** A product id, as the contract of `ReceiveStock` defines it. */
export function parseProductId(text: string): string {
  if (PRODUCT_ID.test(text)) return text;
  throw new InvalidArgumentError('It must be 1 to 128 characters without control characters.');
}

/** A number of pieces to receive. */
export function parseQuantity(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 1 && value <= MAX_QUANTITY) return value;
  throw new InvalidArgumentError('It must be a whole number from 1 to 1000000000.');
}

/** A place in a stream: `first`, an offset, or a time in ISO 8601. */
export function parseReplayStart(text: string): string | number {
  if (text === 'first') return text;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  if (/^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text))) return text;
  throw new InvalidArgumentError('It must be first, an offset, or a time such as 2026-01-31T12:00:00Z.');
}
