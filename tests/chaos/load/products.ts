import type { Random } from '../random.ts';
import type { OrderLine } from './client-record.ts';

/** Products of which there is enough, some that run out, and two that everybody wants at the same moment. */
const PLENTIFUL = Array.from({ length: 8 }, (_, index) => `plenty-${index}`);
const SCARCE = Array.from({ length: 4 }, (_, index) => `scarce-${index}`);
const HOT = ['hot-0', 'hot-1'];

/** What the empty warehouse gets, as the setting `INITIAL_STOCK`. */
export const INITIAL_STOCK = new Map([
  ...PLENTIFUL.map((productId) => [productId, 1_000_000] as const),
  ...[...SCARCE, ...HOT].map((productId) => [productId, 20] as const),
]);

/** One to three lines in any order of products, so that locks are asked for in every order. */
export function drawLines(random: Random): OrderLine[] {
  return Array.from({ length: random.integer(1, 3) }, () => ({
    productId: random.pick(random.chance(0.5) ? SCARCE : PLENTIFUL),
    quantity: random.integer(1, 3),
  }));
}

/** What everybody wants, in either order. */
export function drawHotLines(random: Random): OrderLine[] {
  return random.shuffle(HOT).map((productId) => ({ productId, quantity: random.integer(1, 3) }));
}

/** What the built-in gateway makes something of: the total is declined, not answered twice, answered twice. */
const CENTS = [13, 17, 19];

/** Most orders with prices, a quarter of those with a total that the built-in gateway makes trouble at, as far as the quantities allow. */
export function drawPrices(lines: readonly OrderLine[], random: Random): OrderLine[] {
  if (random.chance(0.1)) return [...lines];
  if (random.chance(0.75)) return lines.map((line) => ({ ...line, price: random.integer(0, 5000) / 100 }));
  const wanted = random.pick(CENTS);
  return lines.map((line, index) => {
    const cents = index === 0 ? HUNDRED.find((one) => (one * line.quantity) % 100 === wanted) : 0;
    return { ...line, price: (random.integer(0, 50) * 100 + (cents ?? 0)) / 100 };
  });
}

const HUNDRED = Array.from({ length: 100 }, (_, cents) => cents);

/** A few pieces of a product that runs out. */
export function drawSupply(random: Random): OrderLine {
  return { productId: random.pick(SCARCE), quantity: random.integer(1, 6) };
}

/** About half of what a rush of so many orders will ask for. */
export function supplyForRush(orders: number): OrderLine[] {
  return HOT.map((productId) => ({ productId, quantity: orders }));
}
