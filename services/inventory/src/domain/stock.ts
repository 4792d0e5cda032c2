import type { Shortage } from '@warren/contracts';

/** A number of pieces of one product. */
export interface ProductQuantity {
  productId: string;
  quantity: number;
}

/** Free pieces by product. A product that is not in it is unknown to the warehouse. */
export type StockLevels = ReadonlyMap<string, number>;

/** Each product once, with the sum of its lines, in the order in which the products appear first. */
export function sumByProduct(lines: readonly ProductQuantity[]): ProductQuantity[] {
  const sums = new Map<string, number>();
  for (const { productId, quantity } of lines) sums.set(productId, (sums.get(productId) ?? 0) + quantity);
  return [...sums].map(([productId, quantity]) => ({ productId, quantity }));
}

/** The products of which more is wanted than there is; an unknown product has 0. `wanted` has each product once. */
export function findShortages(wanted: readonly ProductQuantity[], levels: StockLevels): Shortage[] {
  return wanted.flatMap(({ productId, quantity }) => {
    const available = levels.get(productId) ?? 0;
    return quantity > available ? [{ productId, requested: quantity, available }] : [];
  });
}
