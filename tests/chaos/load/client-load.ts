import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../random.ts';
import type { ClientRecord, OrderLine } from './client-record.ts';
import { createCustomers } from './customers.ts';
import { drawHotLines, drawLines, drawPrices, drawSupply, supplyForRush } from './products.ts';
import { cancelOrder, isAnswer, placeOrder, type Reply, shipOrder } from './service-client.ts';

export interface ClientLoadOptions {
  /** URLs of the services; each request goes to one of them. Without a user service, no users are registered. */
  targets: { orders: readonly string[]; users: readonly string[] };
  /** Whether orders have prices, and are shipped when they are paid. */
  payments: boolean;
  /** Those of the rushes come on top. */
  ordersPerSecond: number;
  /** Whether many want the same at the same moment now and then. */
  rushes: boolean;
  /** Sends pieces of a product into stock. */
  supply(line: OrderLine): Promise<unknown>;
  random: Random;
  record: ClientRecord;
}

/** An open load of orders, cancellations, shipments and registrations: it does not wait for earlier answers. */
export interface ClientLoad {
  readonly sent: number;
  /** Orders that were due but not sent, because too many requests were still open. */
  readonly dropped: number;
  /** While paused, no order is sent; open requests continue. Resolves when every request has ended. */
  pause(): Promise<void>;
  resume(): void;
  /** Stops sending, and resolves when every request has ended. */
  stop(): Promise<void>;
}

const TICK_MS = 50;
/** A little of what runs out comes twice a second, so that there is something to quarrel about all the while. */
const SUPPLY_MS = 500;
const RUSH_MS = 3000;
const RUSH_ORDERS = 30;
/** Orders without an answer. The open load closes here: a client machine has its limits too. */
const MAX_UNANSWERED = 400;
const MAX_TRIES = 3;
const CANCELLED_SHARE = 0.25;
const SHIPPED_SHARE = 0.4;
const USERS_AT_FIRST = 20;
const REGISTER_MS = 1000;

export function startClientLoad(options: ClientLoadOptions): ClientLoad {
  const { targets, payments, ordersPerSecond, rushes, supply, random, record } = options;
  const underWay = new Set<Promise<void>>();
  let paused = false;
  let sent = 0;
  let dropped = 0;
  let unanswered = 0;
  let due = 0;
  let tickedAt = performance.now();
  const askOrders = (request: (target: string) => Promise<Reply>) => ask(targets.orders, request);
  const askUsers = (request: (target: string) => Promise<Reply>) => ask(targets.users, request);
  const customers = createCustomers({ ask: askUsers, count, random, record });

  async function buy(items: readonly OrderLine[]): Promise<void> {
    unanswered += 1;
    const id = await place(items).finally(() => {
      unanswered -= 1;
    });
    if (id === undefined) return;
    const shipped = payments && random.chance(SHIPPED_SHARE);
    const cancelled = random.chance(CANCELLED_SHARE);
    await Promise.all([shipped && ship(id), cancelled && cancel(id)]);
  }

  /** Returns the order's id if the answer was 201. With a key, a request without an answer is repeated. */
  async function place(items: readonly OrderLine[]): Promise<string | undefined> {
    const key = random.chance(0.3) ? randomUUID() : undefined;
    const waitSeconds = random.chance(0.1) ? 1 : undefined;
    const customerId = customers.pick();
    let accepted: string | undefined;
    for (let tries = 0; tries < (key ? MAX_TRIES : 1); tries += 1) {
      const sentAt = performance.now();
      const { outcome, id } = await askOrders((target) => placeOrder(target, { customerId, items, key, waitSeconds }));
      if (waitSeconds === undefined) record.latenciesMs.push(performance.now() - sentAt);
      count(outcome);
      if (id === undefined) continue;
      accepted = id;
      record.accepted.set(id, items);
      if (key) record.idsByKey.set(key, (record.idsByKey.get(key) ?? new Set()).add(id));
      // Now and then a client repeats a request although it has an answer.
      if (!random.chance(0.2)) break;
    }
    return accepted;
  }

  /** At once, within the time of the reservation, or when the order has long been confirmed; by some twice at the same moment. */
  async function cancel(id: string): Promise<void> {
    await pause(random.pick([0, random.integer(1, 100), random.integer(500, 3000)]));
    const times = random.chance(0.3) ? 2 : 1;
    await Promise.all(Array.from({ length: times }, () => askToCancel(id)));
  }

  async function askToCancel(id: string): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const { outcome } = await askOrders((target) => cancelOrder(target, id));
      count(`cancel ${outcome}`);
      if (outcome === '200') record.cancelled.add(id);
      if (outcome === '404') record.denied.add(id);
      if (outcome !== '503' && isAnswer(outcome)) return;
    }
  }

  /** When it is mostly paid, or is about to be. */
  async function ship(id: string): Promise<void> {
    await pause(random.integer(500, 6000));
    const { outcome } = await askOrders((target) => shipOrder(target, id));
    count(`ship ${outcome}`);
    if (outcome === '200') record.shipped.add(id);
    if (outcome === '404') record.denied.add(id);
  }

  async function ask(urls: readonly string[], request: (target: string) => Promise<Reply>): Promise<Reply> {
    const target = random.pick(urls);
    const from = Date.now();
    const reply = await request(target);
    const { outcome } = reply;
    if (!isAnswer(outcome)) record.unanswered.push({ target, outcome, from, to: Date.now() });
    return reply;
  }

  function count(answer: string): void {
    record.answers.set(answer, (record.answers.get(answer) ?? 0) + 1);
  }

  /** Many want the same at the same moment, and there is not enough for all of them. */
  async function rush(): Promise<void> {
    for (const line of supplyForRush(RUSH_ORDERS)) await supply(line);
    for (let made = 0; made < RUSH_ORDERS; made += 1) send(drawHotLines(random));
  }

  /** Nothing of it fails but by the end of the run: all settle for what they can get. */
  function track(work: Promise<unknown>): void {
    const tracked: Promise<void> = work.then(
      () => void underWay.delete(tracked),
      () => void underWay.delete(tracked),
    );
    underWay.add(tracked);
  }

  function send(items: readonly OrderLine[]): void {
    if (paused) return;
    if (unanswered >= MAX_UNANSWERED) {
      dropped += 1;
      return;
    }
    sent += 1;
    track(buy(payments ? drawPrices(items, random) : items));
  }

  /** By the clock: a late timer sends everything that was due meanwhile. */
  function tick(): void {
    const now = performance.now();
    if (!paused) due += (ordersPerSecond * (now - tickedAt)) / 1000;
    tickedAt = now;
    for (; due >= 1; due -= 1) send(drawLines(random));
  }

  const registering = targets.users.length > 0;
  if (registering) for (let made = 0; made < USERS_AT_FIRST; made += 1) track(customers.register());
  const timers = [
    setInterval(tick, TICK_MS),
    setInterval(() => !paused && track(supply(drawSupply(random))), SUPPLY_MS),
    setInterval(() => registering && !paused && track(customers.register()), REGISTER_MS),
    setInterval(() => rushes && !paused && track(rush()), RUSH_MS),
  ];
  const rest = async () => {
    paused = true;
    await Promise.all(underWay);
  };
  return {
    get sent() {
      return sent;
    },
    get dropped() {
      return dropped;
    },
    pause: rest,
    resume() {
      paused = false;
    },
    stop() {
      timers.forEach(clearInterval);
      return rest();
    },
  };
}
