import type { OrderLine } from './client-record.ts';

/**
 * How a request ended: an HTTP status; or without an answer: `refused` (nothing was sent), `connection lost` (it may have been sent), `no
 * answer in time`.
 */
export type Outcome = string;

export function isAnswer(outcome: Outcome): boolean {
  return /^\d+$/.test(outcome);
}

export interface Reply {
  outcome: Outcome;
  /** Of the order that the answer is about. */
  id?: string;
}

export interface NewOrder {
  customerId: string;
  items: readonly OrderLine[];
  /** Sent as `Idempotency-Key`. */
  key?: string;
  /** Sent as `Prefer: wait`. */
  waitSeconds?: number;
}

const REQUEST_TIMEOUT_MS = 15_000;

export interface NewUser {
  email: string;
  name: string;
  /** Sent as `Idempotency-Key`. */
  key?: string;
}

/** `POST /orders`; `id` only when it was answered 201. */
export async function placeOrder(target: string, { customerId, items, key, waitSeconds }: NewOrder): Promise<Reply> {
  const headers = {
    ...(key !== undefined && { 'idempotency-key': key }),
    ...(waitSeconds !== undefined && { prefer: `wait=${waitSeconds}` }),
  };
  const { outcome, id } = await post(`${target}/orders`, { customerId, items }, headers);
  return outcome === '201' ? { outcome, id } : { outcome };
}

/** `POST /orders/:id/cancel` */
export function cancelOrder(target: string, id: string): Promise<Reply> {
  return post(`${target}/orders/${id}/cancel`, { reason: 'no longer wanted' });
}

/** `POST /orders/:id/ship` */
export function shipOrder(target: string, id: string): Promise<Reply> {
  return post(`${target}/orders/${id}/ship`, {});
}

/** `POST /users`; `id` only when it was answered 201. */
export async function registerUser(target: string, { email, name, key }: NewUser): Promise<Reply> {
  const headers = { ...(key !== undefined && { 'idempotency-key': key }) };
  const { outcome, id } = await post(`${target}/users`, { email, name }, headers);
  return outcome === '201' ? { outcome, id } : { outcome };
}

async function post(url: string, body: object, headers: Record<string, string> = {}): Promise<Reply> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const { id } = (await response.json()) as { id?: string };
    return { outcome: String(response.status), id };
  } catch (error) {
    // Nothing was promised.
    return { outcome: outcomeOf(error as Error) };
  }
}

function outcomeOf({ name, cause }: Error): Outcome {
  if (name === 'TimeoutError') return 'no answer in time';
  return (cause as { code?: string } | undefined)?.code === 'ECONNREFUSED' ? 'refused' : 'connection lost';
}
