import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'amqplib';
import { percentile } from '../harness/statistics.ts';
import { HttpLine, postRequest } from './http-line.ts';
import { orderBodies } from './order-requests.ts';

export interface OpenLoop {
  kind: 'open';
  /** Where the order service answers. */
  url: string;
  /** Where the system tells that an order has ended. */
  amqpUrl: string;
  /** Orders that become due per second, evenly, whatever the system does. */
  perSecond: number;
  seconds: number;
  /** What becomes due after that, without a pause. @default nothing */
  afterwards?: { perSecond: number; seconds: number };
}

/** All figures but `shedForMs` are of the orders that became due before `afterwards`. */
export interface OpenLoopOutcome {
  /** Orders that were accepted and have ended. */
  orders: number;
  /** Requests that failed or were refused, and accepted orders whose end was not seen. */
  errors: number;
  /** Those of the errors that were answered 503. */
  shed: number;
  /** For how long after the fall to the rate of `afterwards` orders were answered 503, in milliseconds. */
  shedForMs: number;
  /** Milliseconds from the moment when the request was due until the order's end was seen on the broker. */
  p50: number;
  p95: number;
  p99: number;
}

/** A request that finds all of them busy waits, and its time runs. */
const CONNECTIONS = 256;
const END_TIMEOUT_MS = 60_000;

/** Posts orders at a constant rate and sees when each has ended. */
export async function runOpenLoop(task: OpenLoop): Promise<OpenLoopOutcome> {
  const clock = new OrderClock();
  const clockAfterwards = new OrderClock();
  const observer = await observeEnds(task.amqpUrl, (orderId) => {
    clock.ended(orderId);
    clockAfterwards.ended(orderId);
  });
  const lines = await Promise.all(Array.from({ length: CONNECTIONS }, () => HttpLine.open(task.url)));
  try {
    const { shed, failed, shedForMs } = await postEvenly(task, lines, [clock, clockAfterwards]);
    await clock.allEnded(END_TIMEOUT_MS);
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(clock.times, share)) as [
      number,
      number,
      number,
    ];
    return { orders: clock.times.length, errors: shed + failed + clock.pending, shed, shedForMs, p50, p95, p99 };
  } finally {
    for (const line of lines) line.close();
    await observer.close();
  }
}

/** @param clocks of the orders that become due before `afterwards`, and of the others */
async function postEvenly(
  { url, perSecond, seconds, afterwards = { perSecond: 1, seconds: 0 } }: OpenLoop,
  free: readonly HttpLine[],
  [clock, clockAfterwards]: readonly [OrderClock, OrderClock],
): Promise<Pick<OpenLoopOutcome, 'shed' | 'shedForMs'> & { failed: number }> {
  const requests = orderBodies('plenty').map((body) => postRequest(url, '/orders', body));
  const lines = [...free];
  const waiting: ((line: HttpLine) => void)[] = [];
  const before = Math.round(perSecond * seconds);
  const total = before + Math.round(afterwards.perSecond * afterwards.seconds);
  const open = new Set<Promise<void>>();
  const counts = { shed: 0, failed: 0, shedForMs: 0 };

  async function post(index: number, dueAt: number): Promise<void> {
    const line = lines.pop() ?? (await new Promise<HttpLine>((resolve) => waiting.push(resolve)));
    const isBefore = index < before;
    try {
      const { status, body } = await line.send(requests[index % requests.length] as Buffer);
      if (status === 201) (isBefore ? clock : clockAfterwards).began(JSON.parse(body).id, dueAt);
      else if (!isBefore) counts.shedForMs = Math.max(counts.shedForMs, dueAt - fallsAt);
      else counts[status === 503 ? 'shed' : 'failed'] += 1;
    } catch {
      counts.failed += 1;
    }
    const next = waiting.shift();
    if (next) next(line);
    else lines.push(line);
  }

  const startedAt = performance.now();
  const fallsAt = startedAt + seconds * 1000;
  const dueAtOf = (index: number): number =>
    index < before
      ? startedAt + (index * 1000) / perSecond
      : fallsAt + ((index - before) * 1000) / afterwards.perSecond;
  for (let sent = 0; sent < total; await pause(1)) {
    for (; sent < total; sent += 1) {
      const dueAt = dueAtOf(sent);
      if (dueAt > performance.now()) break;
      const posted: Promise<void> = post(sent, dueAt).finally(() => open.delete(posted));
      open.add(posted);
    }
  }
  await Promise.all(open);
  return counts;
}

/** A queue of its own on what the system tells of its orders. */
async function observeEnds(amqpUrl: string, onEnd: (orderId: string) => void): Promise<{ close(): Promise<void> }> {
  const connection = await connect(amqpUrl, { noDelay: true });
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, 'orders', 'order.updated');
  const take = (content: Buffer) => onEnd(JSON.parse(content.toString()).data.orderId);
  await channel.consume(queue, (message) => message && take(message.content), { noAck: true });
  return connection;
}

/** Puts together when an order was due and when it has ended; either may be known first. */
export class OrderClock {
  /** Milliseconds, of each order of which both are known. */
  readonly times: number[] = [];
  readonly #dueAt = new Map<string, number>();
  readonly #endedAt = new Map<string, number>();

  /** Orders whose end has not been seen. */
  get pending(): number {
    return this.#dueAt.size;
  }

  began(orderId: string, dueAt: number): void {
    const endedAt = this.#endedAt.get(orderId);
    if (endedAt === undefined) this.#dueAt.set(orderId, dueAt);
    else this.times.push(endedAt - dueAt);
    this.#endedAt.delete(orderId);
  }

  ended(orderId: string, at = performance.now()): void {
    const dueAt = this.#dueAt.get(orderId);
    if (dueAt === undefined) this.#endedAt.set(orderId, at);
    else this.times.push(at - dueAt);
    this.#dueAt.delete(orderId);
  }

  /** Resolves when no order is pending, or the time is over. */
  async allEnded(timeoutMs: number): Promise<void> {
    const until = performance.now() + timeoutMs;
    while (this.pending > 0 && performance.now() < until) await pause(20);
  }
}
