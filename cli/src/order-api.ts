import type { OrderView } from '@warren/contracts';
import type { HistoryEntry } from '@warren/event-store';
import { createJsonApi } from './json-api.ts';

/** What has happened to an order, oldest first. */
export type OrderEvent = Omit<HistoryEntry, 'data' | 'metadata'> & {
  data: Record<string, unknown>;
};

export type OrderApi = ReturnType<typeof createOrderApi>;

/** The order API at a base URL. */
export function createOrderApi(baseUrl: string) {
  const api = createJsonApi(baseUrl, 'the order API');
  return {
    /** @throws `CLI_NOT_FOUND`, `CLI_UNREACHABLE`, `CLI_UNEXPECTED_ANSWER` */
    order: (id: string) => api.get<OrderView>(`orders/${encodeURIComponent(id)}`, `order ${id}`),
    /** @throws as `order` does */
    orderEvents: (id: string) => api.get<OrderEvent[]>(`orders/${encodeURIComponent(id)}/events`, `order ${id}`),
  };
}
