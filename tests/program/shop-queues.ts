import type { QueueSpec } from '@warren/contracts';
import { readTopologies } from '@warren/service';

const topologies = readTopologies(new URL('../../services/', import.meta.url));

function queuesOf(service: string): readonly QueueSpec[] {
  const found = topologies.find((one) => one.service === service);
  if (!found) throw new Error(`services/${service} has no topology.json`);
  return found.queues;
}

const isOptional = ({ optional }: QueueSpec) => optional === true;
const required = ({ optional, ...queue }: QueueSpec): QueueSpec => queue;

/** The queues of the core of the shop: orders and their stock, without payments. Services that are added change none of these lists. */
export const CORE_QUEUES = [...queuesOf('order').filter((one) => !isOptional(one)), ...queuesOf('inventory')];

/** The further queues of a shop that takes payments, all of them required. */
export const PAYMENT_QUEUES = [...queuesOf('payment'), ...queuesOf('order').filter(isOptional)].map(required);

/** Every queue of the shop. */
export const SHOP_QUEUES = [...CORE_QUEUES, ...PAYMENT_QUEUES, ...queuesOf('notification')];
