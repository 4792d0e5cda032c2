import { createValidator, ReceiveStock } from '@warren/contracts';
import { InvalidArgumentError } from 'commander';

const { productId, quantity } = ReceiveStock.schema.properties;
const productIds = createValidator(productId);
const quantities = createValidator(quantity);

/** A product id, as the contracts define it. */
export function parseProductId(text: string): string {
  if (productIds.is(text)) return text;
  throw new InvalidArgumentError('It must be 1 to 128 characters without control characters.');
}

/** A number of pieces to receive. */
export function parseQuantity(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (quantities.is(value)) return value;
  throw new InvalidArgumentError('It must be a whole number from 1 to 1000000000.');
}

/** A time in seconds, fractions allowed; gives milliseconds. */
export function parseSeconds(text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds > 0 && seconds <= 86_400) return seconds * 1000;
  throw new InvalidArgumentError('It must be a number of seconds above 0, at most 86400.');
}
