/** What the orders ask for: things that are always there, or a few hot products of which half of the orders want more than there is. */
export type Stock = 'plenty' | 'scarce';

const PRODUCTS = 1000;
const HOT_PRODUCTS = 100;
/** More than any load takes of a hot product, and less than a greedy order asks for. */
const HOT_STOCK = 900_000;
const TOO_MANY = 1_000_000;
const PLENTY = 1_000_000_000;
const DIFFERENT_REQUESTS = 2000;

/** What both systems start with, as the setting `INITIAL_STOCK`. */
export function initialStock(): string {
  const range = (count: number, entry: (index: number) => string) => Array.from({ length: count }, (_, i) => entry(i));
  return [
    ...range(PRODUCTS, (index) => `${product(index)}:${PLENTY}`),
    ...range(HOT_PRODUCTS, (index) => `${hotProduct(index)}:${HOT_STOCK}`),
  ].join(',');
}

/** Orders of one to three lines; the same ones at each call. With scarce stock every second one must be refused. */
export function orderBodies(stock: Stock): string[] {
  return Array.from({ length: DIFFERENT_REQUESTS }, (_, index) => {
    const lines = 1 + (index % 3);
    const items = Array.from({ length: lines }, (_, line) => itemOf(stock, index, line));
    return JSON.stringify({ customerId: `customer-${index % 500}`, items });
  });
}

function itemOf(stock: Stock, order: number, line: number) {
  // Steps without a factor in common with the number of products: every product has its turn, and no order names one twice.
  const turn = order * 7 + line * 331;
  const price = 0.99 + (order % 50);
  if (stock === 'plenty') return { productId: product(turn % PRODUCTS), quantity: 1 + (turn % 3), price };
  const greedy = order % 2 === 1 && line === 0;
  return { productId: hotProduct(turn % HOT_PRODUCTS), quantity: greedy ? TOO_MANY : 1 + (turn % 3), price };
}

const product = (index: number): string => `product-${String(index).padStart(4, '0')}`;
const hotProduct = (index: number): string => `hot-${String(index).padStart(3, '0')}`;
