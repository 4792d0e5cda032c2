import { shopCatalogue } from '@shop/events/catalogue';
import { InventoryReleased, InventoryReserved } from '@shop/events/inventory';
import { OrderCancelled, OrderStatusUpdated } from '@shop/events/order';
import { deriveId, groupBy } from '@warren/kernel';
import type { OrderLine } from '../load/client-record.ts';
import type { ServiceName } from '../system/service-instance.ts';
import { ANALYTICS_INVARIANTS } from './analytics-invariants.ts';
import { isUnseen } from './blind-spells.ts';
import { DEADLINE_INVARIANTS } from './deadline-invariants.ts';
import type { Evidence, LoggedEvent } from './evidence.ts';
import type { Invariant, Violation } from './invariant.ts';
import { MAIL_INVARIANTS } from './mail-invariants.ts';
import { PAYMENT_INVARIANTS } from './payment-invariants.ts';
import { consumerOf, queuesThatTake } from './queues.ts';
import { repeated } from './repeated.ts';

const MAX_EXAMPLES = 5;

const INVARIANTS: readonly Invariant[] = [
  ['an order answered 201 is stored, as it was sent', lostOrders],
  ['an Idempotency-Key stands for one order', doubledKeys],
  ['an order whose cancellation was answered 200 is cancelled', brokenCancellations],
  ['every order ends, confirmed or cancelled', endlessOrders],
  ['a confirmed order has its pieces, every other order none', wrongReservations],
  ['no order is reserved twice', doubleReservations],
  ['no order is released twice, and what it holds is what it took less what it gave back', wrongReleases],
  ['stock is never negative, and adds up: initial + received = available + reserved', wrongStock],
  ['the ledger is the level', wrongLedger],
  ['stock that was sent is received, once', wrongReceipts],
  ['a stream has each of its versions once, those in the archive first', brokenStreams],
  ['every event is published', unpublishedEvents],
  ['every event is handled by each service that it is for', unhandledEvents],
  ['the events of a stream are published in order', disorderedStreams],
  ['what is published was committed', uncommittedMessages],
  ['the dead letters are the injected poison, byte for byte, no more and no less', wrongDeadLetters],
  ['poison is set aside by the service that judged it', unjudgedPoison],
  ['no message is left in a queue', leftMessages],
  ['no service met an error that its code declares impossible', (evidence) => [...evidence.faultsLogged]],
  ...DEADLINE_INVARIANTS,
  ...PAYMENT_INVARIANTS,
  ...MAIL_INVARIANTS,
  ...ANALYTICS_INVARIANTS,
];

/** Every promise that the evidence shows broken; empty when all were kept. */
export function checkInvariants(evidence: Evidence): Violation[] {
  return INVARIANTS.flatMap(([promise, broken]) => {
    const cases = broken(evidence);
    return cases.length > 0 ? [{ promise, count: cases.length, examples: cases.slice(0, MAX_EXAMPLES) }] : [];
  });
}

function lostOrders({ record, orders }: Evidence): string[] {
  const stored = new Map(orders.map((order) => [order.id, order]));
  const lost = [...record.accepted].flatMap(([id, lines]) => {
    const order = stored.get(id);
    if (!order) return [`${id} is not there`];
    if (textOf(order.items) !== textOf(lines)) return [`${id} has other lines than were sent`];
    return order.cents === totalOf(lines)
      ? []
      : [`${id} has a total of ${order.cents} cents, ought to be ${totalOf(lines)}`];
  });
  return [...lost, ...[...record.denied].map((id) => `${id} was answered 404`)];
}

function brokenCancellations({ record, orders }: Evidence): string[] {
  return orders.flatMap(({ id, status }) =>
    record.cancelled.has(id) && status !== 'cancelled' ? [`${id} is ${status}`] : [],
  );
}

function doubledKeys({ record }: Evidence): string[] {
  return [...record.idsByKey].flatMap(([key, ids]) => (ids.size > 1 ? [`${key}: ${[...ids].join(', ')}`] : []));
}

function endlessOrders({ orders }: Evidence): string[] {
  return orders.filter(({ status }) => status === 'pending').map(({ id }) => `${id} is pending`);
}

function wrongReservations({ orders, reservations }: Evidence): string[] {
  const reserved = groupBy(reservations, ({ orderId }) => orderId);
  const known = new Set(orders.map(({ id }) => id));
  const wrong = orders.flatMap(({ id, status, items }) => {
    const wanted = status === 'confirmed' ? textOf(items) : '';
    const has = textOf(reserved.get(id) ?? []);
    // An order that has not ended is reported as such.
    return status === 'pending' || has === wanted
      ? []
      : [`${id} is ${status}, wants ${wanted || 'nothing'}, has ${has}`];
  });
  const strangers = [...reserved.keys()]
    .filter((id) => !known.has(id))
    .map((id) => `${id} has pieces, but does not exist`);
  return [...wrong, ...strangers];
}

function doubleReservations(evidence: Evidence): string[] {
  return doubleMovements(evidence, 'reserved', InventoryReserved.type);
}

function wrongReleases(evidence: Evidence): string[] {
  return [...doubleMovements(evidence, 'released', InventoryReleased.type), ...wrongHoldings(evidence)];
}

/** Orders that moved a product twice in the same direction, or were told so twice. */
function doubleMovements({ movements, events }: Evidence, kind: 'reserved' | 'released', answer: string): string[] {
  const moved = movements.filter((movement) => movement.kind === kind);
  const answers = events.filter(({ type }) => type === answer);
  return [
    ...repeated(moved.map(({ orderId, productId }) => `${orderId}: ${productId} ${kind}`)),
    ...repeated(answers.map(({ stream }) => `${stream}: ${answer}`)),
  ];
}

function wrongHoldings({ movements, reservations }: Evidence): string[] {
  const unexplained = new Map<string, number>();
  const add = (orderId: string, productId: string, quantity: number) => {
    const line = `${orderId}, ${productId}`;
    unexplained.set(line, (unexplained.get(line) ?? 0) + quantity);
  };
  for (const { orderId, productId, delta } of movements) add(orderId, productId, -delta);
  for (const { orderId, productId, quantity } of reservations) add(orderId, productId, -quantity);
  return [...unexplained]
    .filter(([, quantity]) => quantity !== 0)
    .map(([line, quantity]) => `${line}: the ledger has ${quantity} more than the order holds`);
}

function wrongStock({ initialStock, receipts, levels }: Evidence): string[] {
  const wanted = new Map(initialStock);
  for (const { productId, quantity } of receipts) wanted.set(productId, (wanted.get(productId) ?? 0) + quantity);
  const found = new Map(levels.map((level) => [level.productId, level]));
  return [...new Set([...wanted.keys(), ...found.keys()])].flatMap((productId) => {
    const { available = 0, reserved = 0 } = found.get(productId) ?? {};
    const sum = wanted.get(productId) ?? 0;
    const adds = available + reserved === sum && available >= 0 && reserved >= 0;
    return adds ? [] : [`${productId}: ${available} available + ${reserved} reserved, ought to be ${sum}`];
  });
}

function wrongLedger({ levels, reservations }: Evidence): string[] {
  const reservedByOrders = sumByProduct(reservations);
  return levels.flatMap(({ productId, available, reserved, ledger }) => {
    const standing = reservedByOrders.get(productId) ?? 0;
    return [
      ...(ledger === available ? [] : [`${productId}: ledger ${ledger}, level ${available}`]),
      ...(standing === reserved ? [] : [`${productId}: ${standing} reserved by orders, level says ${reserved}`]),
    ];
  });
}

function wrongReceipts({ record, receipts }: Evidence): string[] {
  const booked = new Map(receipts.map((receipt) => [receipt.messageId, receipt]));
  const missing = [...record.receipts].flatMap(([id, sent]) =>
    booked.get(id)?.quantity === sent.quantity ? [] : [`${id}: ${sent.quantity} ${sent.productId} were not booked`],
  );
  const unsent = receipts.filter(({ messageId }) => !record.receipts.has(messageId));
  return [
    ...missing,
    ...unsent.map(({ messageId }) => `${messageId} was booked, but never sent`),
    ...repeated(receipts.map(({ messageId }) => messageId)),
  ];
}

function unpublishedEvents({ events, firstSeen, blindSpells }: Evidence): string[] {
  return events
    .filter((event) => event.published && !firstSeen.has(event.id) && !isUnseen(event, blindSpells))
    .map(({ id, type, stream }) => `${type} ${id} of ${stream}`);
}

/** The deadline ends an order whose messages were lost as well, so its end alone does not show that they arrived. */
function unhandledEvents({ events, handled, running, record, blindSpells }: Evidence): string[] {
  const known = new Set(handled.map(({ consumer, messageId }) => `${consumer} ${messageId}`));
  return events
    .filter(({ published }) => published)
    .flatMap((event) => {
      const consumed = messagesOf(event).flatMap(({ id, queues }) => queues.map((queue) => ({ id, queue })));
      const owed = consumed.filter(({ queue }) => running.has(consumerOf(queue) as ServiceName));
      // The stream of all events takes this one as well.
      const counted = running.has('analytics') && !isOfAnalytics(event) && !isUnseen(event, blindSpells);
      return [...owed, ...(counted ? [{ id: event.id, queue: 'analytics' }] : [])]
        .filter(({ id, queue }) => !known.has(`${queue} ${id}`) && !record.taken.has(`${queue} ${id}`))
        .map(({ id, queue }) => `${event.type} ${id} of ${event.stream}, by ${queue}`);
    });
}

/** Its own events count in no figure. */
const isOfAnalytics = ({ stream }: LoggedEvent): boolean => stream.startsWith('analytics-');

/** As what the events of an order go out whose names are those of the log. */
const WIRE: Readonly<Record<string, readonly (typeof OrderStatusUpdated | typeof OrderCancelled)[]>> = {
  OrderConfirmed: [OrderStatusUpdated],
  OrderCancelled: [OrderStatusUpdated, OrderCancelled],
};

/** The messages that an event goes out as, each with the queues that get it. */
function messagesOf({ id, type }: LoggedEvent): { id: string; queues: string[] }[] {
  const contracts = WIRE[type] ?? shopCatalogue.contracts.filter((contract) => contract.type === type);
  return contracts.map((contract, place) => ({
    // The second one has an id of its own.
    id: place === 0 ? id : deriveId(id, contract.type),
    queues: queuesThatTake(contract),
  }));
}

function brokenStreams({ events }: Evidence): string[] {
  return [...groupBy(events, ({ stream }) => stream)].flatMap(([stream, own]) => {
    const inOrder = own.toSorted((a, b) => a.version - b.version);
    const whole = inOrder.every(({ version }, index) => version === index + 1);
    const archiveFirst = inOrder.every(
      ({ archived }, index) => !archived || index === 0 || inOrder[index - 1]?.archived,
    );
    return whole && archiveFirst ? [] : [`${stream}: ${inOrder.map(placeOf).join(', ')}`];
  });
}

const placeOf = ({ version, archived }: LoggedEvent): string => `${version}${archived ? ' (archived)' : ''}`;

function disorderedStreams({ events, firstSeen, seenLate, blindSpells }: Evidence): string[] {
  const streams = groupBy(events, ({ stream }) => stream);
  const hasPlace = (event: LoggedEvent) =>
    firstSeen.has(event.id) && !seenLate.has(event.id) && !isUnseen(event, blindSpells);
  return [...streams].flatMap(([stream, own]) => {
    const seen = own.toSorted((a, b) => a.version - b.version).filter(hasPlace);
    return seen.slice(1).flatMap(({ id, version }, index) => {
      const before = seen[index];
      const ordered = before === undefined || (firstSeen.get(before.id) ?? 0) < (firstSeen.get(id) ?? 0);
      return ordered ? [] : [`${stream}: version ${version} came before version ${before.version}`];
    });
  });
}

function uncommittedMessages({ events, firstSeen, types, record }: Evidence): string[] {
  const known = new Set(events.flatMap((event) => [event.id, ...messagesOf(event).map(({ id }) => id)]));
  return [...firstSeen.keys()]
    .filter((id) => !known.has(id) && !record.poison.has(id) && !record.receipts.has(id))
    .map((id) => `${id}, ${types.get(id)}`);
}

function wrongDeadLetters({ record, deadLetters }: Evidence): string[] {
  const found = new Set(deadLetters.map(({ queue, messageId, digest }) => `${queue} ${messageId} ${digest}`));
  const injected = new Set(
    [...record.poison].flatMap(([id, { queues, digest }]) => queues.map((queue) => `${queue} ${id} ${digest}`)),
  );
  const surplus = deadLetters.filter(
    ({ queue, messageId, digest }) => !injected.has(`${queue} ${messageId} ${digest}`),
  );
  return [
    ...[...injected].filter((one) => !found.has(one)).map((one) => `missing: ${one}`),
    ...surplus.map(({ queue, messageId, headers }) => `not injected: ${messageId} in ${queue}, ${headers}`),
  ];
}

/** Those of the bus. With any other the broker has moved it, for instance for having killed its consumers. */
const JUDGEMENTS: readonly string[] = ['invalid', 'skipped', 'exhausted'];

function unjudgedPoison({ record, deadLetters }: Evidence): string[] {
  return deadLetters
    .filter(({ messageId, reason }) => record.poison.has(messageId) && !JUDGEMENTS.includes(reason))
    .map(({ messageId, queue, reason, headers }) => `${messageId} in ${queue}: ${reason}, ${headers}`);
}

function leftMessages({ leftInQueues }: Evidence): string[] {
  return leftInQueues.filter(({ messages }) => messages > 0).map(({ queue, messages }) => `${messages} in ${queue}`);
}

function sumByProduct(lines: readonly OrderLine[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { productId, quantity } of lines) sums.set(productId, (sums.get(productId) ?? 0) + quantity);
  return sums;
}

/** The lines summed up by product, in the order of the products' ids. */
function textOf(lines: readonly OrderLine[]): string {
  return [...sumByProduct(lines)]
    .map(([productId, quantity]) => `${quantity} ${productId}`)
    .sort()
    .join(', ');
}

/** In cents; null when a line has no price. */
function totalOf(lines: readonly OrderLine[]): number | null {
  const priced = lines.every(({ price }) => price !== undefined);
  return priced ? lines.reduce((sum, { price = 0, quantity }) => sum + Math.round(price * 100) * quantity, 0) : null;
}
