import type { EventEnvelope, OrderView } from '@warren/contracts';
import { cliErrors } from './cli-errors.ts';

/** What has happened to an order, oldest first. */
export type OrderEvent = Pick<EventEnvelope, 'id' | 'type' | 'version' | 'timestamp'> & {
  data: Record<string, unknown>;
};

const TIMEOUT_MS = 10_000;

export type OrderApi = ReturnType<typeof createOrderApi>;

/** The order API at a base URL. */
export function createOrderApi(baseUrl: string) {
  async function get<Answer>(path: string, what: string): Promise<Answer> {
    const url = new URL(path, baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`);
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch((error: Error) => {
      const why = (error.cause as Error | undefined)?.message || error.message;
      throw cliErrors.CLI_UNREACHABLE(`cannot reach the order API at ${url.host}: ${why}`, { cause: error });
    });
    if (response.status === 404) throw cliErrors.CLI_NOT_FOUND(`there is no ${what}`);
    const text = await response.text();
    if (response.ok && isJson(text)) return JSON.parse(text) as Answer;
    const shown = text.slice(0, 200);
    throw cliErrors.CLI_UNEXPECTED_ANSWER(`the order API at ${url.host} answered ${response.status}: ${shown}`);
  }

  return {
    /** @throws `CLI_NOT_FOUND`, `CLI_UNREACHABLE`, `CLI_UNEXPECTED_ANSWER` */
    order: (id: string) => get<OrderView>(`orders/${encodeURIComponent(id)}`, `order ${id}`),
    /** @throws as `order` does */
    orderEvents: (id: string) => get<OrderEvent[]>(`orders/${encodeURIComponent(id)}/events`, `order ${id}`),
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
