import { ORDER_STATUSES, type OrderStatus } from '@shop/events/order';
import { createValidator, type Fault, ShortText } from '@warren/contracts';
import type { OrderFilter } from '../../application/order-read-model.ts';
import { parseCursor } from './cursor.ts';

const MAX_LIMIT = 100;
const DEFAULT_LIMIT = 20;

const shortText = createValidator(ShortText);

type Parameter = { value: unknown } | { fault: string };

const PARAMETERS: Readonly<Record<string, { name: keyof OrderFilter; parse: (text: string) => Parameter }>> = {
  customerId: {
    name: 'customerId',
    parse: (text) =>
      shortText.is(text) ? { value: text } : { fault: shortText.faults(text)[0]?.message ?? 'is wrong' },
  },
  status: {
    name: 'status',
    parse: (text) =>
      ORDER_STATUSES.includes(text as OrderStatus)
        ? { value: text }
        : { fault: `must be one of ${ORDER_STATUSES.join(', ')}` },
  },
  limit: {
    name: 'limit',
    parse: (text) =>
      /^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_LIMIT
        ? { value: Number(text) }
        : { fault: `must be a whole number from 1 to ${MAX_LIMIT}` },
  },
  cursor: {
    name: 'before',
    parse: (text) => {
      const value = parseCursor(text);
      return value === undefined ? { fault: 'must be a nextCursor of an earlier answer' } : { value };
    },
  },
};

/** The query of `GET /orders` if it is valid, else every fault of it. Unknown parameters are faults: a typo must not list everything. */
export function parseListOrders(query: Record<string, unknown>): { value: OrderFilter } | { faults: Fault[] } {
  const filter: Record<string, unknown> = { limit: DEFAULT_LIMIT };
  const faults: Fault[] = [];
  for (const [path, given] of Object.entries(query)) {
    const parameter = Object.hasOwn(PARAMETERS, path) ? PARAMETERS[path] : undefined;
    if (!parameter) faults.push({ path, message: 'is not a known parameter' });
    else if (typeof given !== 'string') faults.push({ path, message: 'may be given once only' });
    else {
      const parsed = parameter.parse(given);
      if ('fault' in parsed) faults.push({ path, message: parsed.fault });
      else filter[parameter.name] = parsed.value;
    }
  }
  return faults.length > 0 ? { faults } : { value: filter as unknown as OrderFilter };
}
