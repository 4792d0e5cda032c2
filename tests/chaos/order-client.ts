import type { OrderLine } from './client-record.ts';

/** How a request ended: an HTTP status, or `no answer`. */
export type Outcome = string;

export interface NewOrder {
  items: readonly OrderLine[];
  /** Sent as `Idempotency-Key`. */
  key?: string;
  /** Sent as `Prefer: wait`. */
  waitSeconds?: number;
}

const REQUEST_TIMEOUT_MS = 15_000;

/** `POST /orders`; `id` only when it was answered 201. */
export async function placeOrder(
  target: string,
  { items, key, waitSeconds }: NewOrder,
): Promise<{ outcome: Outcome; id?: string }> {
  const headers = {
    ...(key !== undefined && { 'idempotency-key': key }),
    ...(waitSeconds !== undefined && { prefer: `wait=${waitSeconds}` }),
  };
  const { outcome, id } = await post(`${target}/orders`, { customerId: 'chaos', items }, headers);
  return outcome === '201' ? { outcome, id } : { outcome };
}

/** `POST /orders/:id/cancel` */
export async function cancelOrder(target: string, id: string): Promise<Outcome> {
  return (await post(`${target}/orders/${id}/cancel`, { reason: 'no longer wanted' })).outcome;
}

async function post(
  url: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<{ outcome: Outcome; id?: string }> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const { id } = (await response.json()) as { id?: string };
    return { outcome: String(response.status), id };
  } catch {
    // A refused or broken connection: nothing was promised.
    return { outcome: 'no answer' };
  }
}
