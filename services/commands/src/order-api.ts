import type { OrderView } from '@shop/events/order-view';
import { createJsonApi } from '@warren/cli';
import type { HistoryEntry } from '@warren/event-store';

export type OrderApi = ReturnType<typeof createOrderApi>;

/** The order API at a base URL. */
export function createOrderApi(baseUrl: string) {
  const api = createJsonApi(baseUrl, 'the order API');
  return {
    /** @throws `CLI_NOT_FOUND`, `CLI_UNREACHABLE`, `CLI_UNEXPECTED_ANSWER` */
    order: (id: string) => api.get<OrderView>(`orders/${encodeURIComponent(id)}`, `order ${id}`),
    /** What has happened to it, oldest first. @throws as `order` does */
    orderEvents: (id: string) => api.get<HistoryEntry[]>(`orders/${encodeURIComponent(id)}/events`, `order ${id}`),
  };
}
