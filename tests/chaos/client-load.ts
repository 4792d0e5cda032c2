import { randomUUID } from 'node:crypto';
import type { ClientRecord, OrderLine } from './client-record.ts';
import type { Random } from './random.ts';

/** Products of which there is enough, and some that run out. */
export const PLENTIFUL = Array.from({ length: 8 }, (_, index) => `plenty-${index}`);
export const SCARCE = Array.from({ length: 4 }, (_, index) => `scarce-${index}`);

/** What the empty warehouse gets, as the setting `INITIAL_STOCK`. */
export const INITIAL_STOCK = new Map([
  ...PLENTIFUL.map((productId) => [productId, 1_000_000] as const),
  ...SCARCE.map((productId) => [productId, 20] as const),
]);

export interface ClientLoadOptions {
  /** URLs of the order services; each order goes to one of them. */
  targets: readonly string[];
  ordersPerSecond: number;
  /** Sends some pieces of a product that runs out; called twice a second, so that there is a little to quarrel about all the while. */
  supply(): Promise<unknown>;
  random: Random;
  record: ClientRecord;
}

/** Orders that come whether or not those before were answered. */
export interface ClientLoad {
  readonly sent: number;
  /** While paused no order is sent; those under way go on. Resolves when every request has ended. */
  pause(): Promise<void>;
  resume(): void;
  /** Sends no more, and resolves when every request has ended. */
  stop(): Promise<void>;
}

const TICK_MS = 50;
const SUPPLY_MS = 500;
const REQUEST_TIMEOUT_MS = 15_000;
/** The open load closes here: a client machine has its limits too. */
const MAX_UNDER_WAY = 400;
const MAX_TRIES = 3;

export function startClientLoad(options: ClientLoadOptions): ClientLoad {
  const { targets, ordersPerSecond, supply, random, record } = options;
  const underWay = new Set<Promise<void>>();
  let paused = false;
  let sent = 0;
  let due = 0;

  async function place(): Promise<void> {
    const items = drawLines(random);
    const key = random.chance(0.3) ? randomUUID() : undefined;
    for (let tries = 0; tries < (key ? MAX_TRIES : 1); tries += 1) {
      const sentAt = performance.now();
      const answer = await send(random.pick(targets), items, key);
      record.latenciesMs.push(performance.now() - sentAt);
      record.answers.set(answer.outcome, (record.answers.get(answer.outcome) ?? 0) + 1);
      if (answer.id === undefined) continue;
      record.accepted.set(answer.id, items);
      if (key) record.idsByKey.set(key, (record.idsByKey.get(key) ?? new Set()).add(answer.id));
      // Now and then a client that has its answer asks again all the same.
      if (!random.chance(0.2)) return;
    }
  }

  /** Neither an order nor a supply fails but by the end of the run: they settle for what they can get. */
  function track(work: Promise<unknown>): void {
    const tracked: Promise<void> = work.then(
      () => void underWay.delete(tracked),
      () => void underWay.delete(tracked),
    );
    underWay.add(tracked);
  }

  function tick(): void {
    due += (ordersPerSecond * TICK_MS) / 1000;
    for (; due >= 1; due -= 1) {
      if (paused || underWay.size >= MAX_UNDER_WAY) continue;
      sent += 1;
      track(place());
    }
  }

  const timer = setInterval(tick, TICK_MS);
  const supplier = setInterval(() => !paused && track(supply()), SUPPLY_MS);
  const idle = async () => void (await Promise.all(underWay));
  return {
    get sent() {
      return sent;
    },
    pause() {
      paused = true;
      return idle();
    },
    resume() {
      paused = false;
    },
    stop() {
      clearInterval(timer);
      clearInterval(supplier);
      return idle();
    },
  };
}

/** One to three lines in any order of products, so that locks are asked for in every order. */
function drawLines(random: Random): OrderLine[] {
  return Array.from({ length: random.integer(1, 3) }, () => ({
    productId: random.pick(random.chance(0.5) ? SCARCE : PLENTIFUL),
    quantity: random.integer(1, 3),
  }));
}

async function send(
  target: string,
  items: readonly OrderLine[],
  key: string | undefined,
): Promise<{ outcome: string; id?: string }> {
  try {
    const response = await fetch(`${target}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key && { 'idempotency-key': key }) },
      body: JSON.stringify({ customerId: 'chaos', items }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const answer = (await response.json()) as { id?: string };
    return { outcome: String(response.status), id: response.status === 201 ? answer.id : undefined };
  } catch {
    // A refused or broken connection: nothing was promised.
    return { outcome: 'no answer' };
  }
}
