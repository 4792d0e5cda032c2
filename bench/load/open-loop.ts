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
}

export interface OpenLoopOutcome {
  /** Orders that were accepted and have ended. */
  orders: number;
  /** Requests that failed or were refused, and accepted orders whose end was not seen. */
  errors: number;
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
  const observer = await observeEnds(task.amqpUrl, (orderId) => clock.ended(orderId));
  const lines = await Promise.all(Array.from({ length: CONNECTIONS }, () => HttpLine.open(task.url)));
  try {
    const failed = await postEvenly(task, lines, clock);
    await clock.allEnded(END_TIMEOUT_MS);
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(clock.times, share)) as [
      number,
      number,
      number,
    ];
    return { orders: clock.times.length, errors: failed + clock.pending, p50, p95, p99 };
  } finally {
    for (const line of lines) line.close();
    await observer.close();
  }
}

/** Returns the number of requests that failed. */
async function postEvenly(
  { url, perSecond, seconds }: OpenLoop,
  free: readonly HttpLine[],
  clock: OrderClock,
): Promise<number> {
  const requests = orderBodies('plenty').map((body) => postRequest(url, '/orders', body));
  const lines = [...free];
  const waiting: ((line: HttpLine) => void)[] = [];
  const total = Math.round(perSecond * seconds);
  const open = new Set<Promise<void>>();
  let failed = 0;

  async function post(index: number, dueAt: number): Promise<void> {
    const line = lines.pop() ?? (await new Promise<HttpLine>((resolve) => waiting.push(resolve)));
    try {
      const { status, body } = await line.send(requests[index % requests.length] as Buffer);
      if (status === 201) clock.began(JSON.parse(body).id, dueAt);
      else failed += 1;
    } catch {
      failed += 1;
    }
    const next = waiting.shift();
    if (next) next(line);
    else lines.push(line);
  }

  const startedAt = performance.now();
  for (let sent = 0; sent < total; await pause(1)) {
    for (; sent < total; sent += 1) {
      const dueAt = startedAt + (sent * 1000) / perSecond;
      if (dueAt > performance.now()) break;
      const posted: Promise<void> = post(sent, dueAt).finally(() => open.delete(posted));
      open.add(posted);
    }
  }
  await Promise.all(open);
  return failed;
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
