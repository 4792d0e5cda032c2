import { createValidator, ReceiveStock } from '@warren/contracts';
import type { ProductQuantity } from './stock.ts';

const line = createValidator(ReceiveStock.schema);

/**
 * Reads `item1:100,item2:50`, or `none`. The quantity stands after the last colon, so a product id may hold colons, but no comma.
 * @throws an Error whose message lists every faulty part.
 */
export function parseInitialStock(text: string): ProductQuantity[] {
  if (text === 'none') return [];
  const seen = new Set<string>();
  const faults: string[] = [];
  const stock = text.split(',').map((part) => {
    const entry = parsePart(part.trim());
    if (!line.is(entry)) faults.push(`"${part.trim()}" is not <product>:<quantity>`);
    else if (seen.has(entry.productId)) faults.push(`${entry.productId} is there twice`);
    seen.add(entry.productId);
    return entry;
  });
  if (faults.length === 0) return stock;
  throw new Error(
    `must be "none" or <product>:<quantity>,… with quantities from 1 to 1000000000 (${faults.join('; ')})`,
  );
}

function parsePart(part: string): ProductQuantity {
  const colon = part.lastIndexOf(':');
  const digits = part.slice(colon + 1).trim();
  return {
    productId: part.slice(0, Math.max(colon, 0)).trim(),
    quantity: /^\d+$/.test(digits) ? Number(digits) : Number.NaN,
  };
}
