import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { main } from '../../../cli/src/main.ts';
import { createRecordingTerminal, SERVICES } from '../../../cli/test/recording-terminal.ts';
import { createServicesFolder } from '../../../cli/test/services-folder.ts';

const order = {
  id: '42',
  customerId: 'c-1',
  items: [
    { productId: 'item1', quantity: 101, price: 2.5 },
    { productId: 'item2', quantity: 1 },
  ],
  currency: 'EUR',
  priority: 'high',
  status: 'cancelled',
  reason: 'item1: 101 requested, 100 available',
  version: 2,
  createdAt: '2026-01-02T03:04:05.000Z',
  updatedAt: '2026-01-02T03:04:05.042Z',
};
const events = [
  { id: 'e1', type: 'OrderCreated', version: 1, timestamp: order.createdAt, data: { id: '42', status: 'pending' } },
  { id: 'e2', type: 'OrderCancelled', version: 2, timestamp: order.updatedAt, data: { reason: order.reason } },
];
/** The order's events as they stand in the log; they make the order above. */
const { id, customerId, items, currency, priority, createdAt, updatedAt, reason } = order;
const created = { id, customerId, items, currency, priority, createdAt, status: 'pending' };
const history = [
  { id: 'e1', type: 'OrderCreated', version: 2, timestamp: createdAt, data: created },
  { id: 'e2', type: 'OrderCancelled', version: 1, timestamp: updatedAt, data: { orderId: id, reason, by: 'shortage' } },
].map((event, at) => ({ sequence: at + 1, aggregateId: id, ...event }));

let server: Server;
let env: Record<string, string>;
let answers: Record<string, { status: number; body: string }>;

beforeEach(async () => {
  answers = {
    '/orders/42': { status: 200, body: JSON.stringify(order) },
    '/orders/42/events': { status: 200, body: JSON.stringify(events) },
  };
  server = createServer((req, res) => {
    const { status, body } = answers[req.url ?? ''] ?? { status: 404, body: '{}' };
    res.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  env = { ORDER_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
});
afterEach(() => close());

async function close(): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

async function run(...argv: string[]) {
  return runWith(SERVICES, ...argv);
}

async function runWith(services: URL, ...argv: string[]) {
  const { terminal, written } = createRecordingTerminal(env, undefined, services);
  return { code: await main(argv, terminal), ...written };
}

describe('warren order', () => {
  it('when the order is to be paid, then it is shown how far its payment and its delivery are', async () => {
    const paid = { ...order, paymentStatus: 'paid', fulfillmentStatus: 'shipped' };
    answers['/orders/42'] = { status: 200, body: JSON.stringify(paid) };
    expect((await run('order', '42')).out).toContain('\npayment   paid\ndelivery  shipped\n');
  });

  it('when the order exists, then it is shown with its lines and a timeline of its events', async () => {
    const { code, out, err } = await run('order', '42');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toBe(`order     42
customer  c-1
status    cancelled: item1: 101 requested, 100 available
currency  EUR
priority  high
created   2026-01-02T03:04:05.000Z
updated   2026-01-02T03:04:05.042Z (version 2)

PRODUCT  QUANTITY  PRICE
item1         101   2.50
item2           1      -

TIME                      AFTER  EVENT              WHAT
2026-01-02T03:04:05.000Z   0 ms  OrderCreated       status=pending
2026-01-02T03:04:05.042Z  42 ms  OrderCancelled v2  reason="item1: 101 requested, 100 available"
`);
  });

  it('when JSON is asked for, then order and events come as the API gave them', async () => {
    const { code, out } = await run('order', '42', '--json');
    expect(JSON.parse(out)).toEqual({ order, events });
    expect(code).toBe(0);
  });

  it.each([
    ['1', 'pending', 1],
    ['2', 'cancelled', 2],
    ['2026-01-02T03:04:05.000Z', 'pending', 1],
    ['2026-01-02T03:04:05.041Z', 'pending', 1],
    ['2026-01-02T04:04:05.042+01:00', 'cancelled', 2],
    ['2026-01-03', 'cancelled', 2],
  ])('when it is asked for as it was at %s, then it is %s, with the events up to then', async (at, status, version) => {
    answers['/orders/42/events'] = { status: 200, body: JSON.stringify(history) };
    const { code, out } = await run('order', '42', '--at', at, '--json');
    const expected = version === 2 ? order : { ...created, version, updatedAt: createdAt };
    expect(JSON.parse(out)).toEqual({ order: expected, events: history.slice(0, version) });
    expect(expected.status).toBe(status);
    expect(code).toBe(0);
  });

  it.each([
    ['2026-01-02', /^warren: there was no order 42 at that time: it began at 2026-01-02T03:04:05\.000Z\n$/],
    ['3', /^warren: order 42 has reached only version 2, not 3\n$/],
  ])('when it did not exist so at %s, then it fails and says so', async (at, message) => {
    answers['/orders/42/events'] = { status: 200, body: JSON.stringify(history) };
    const { code, out, err } = await run('order', '42', '--at', at);
    expect(err).toMatch(message);
    expect({ code, out }).toEqual({ code: 1, out: '' });
  });

  it('when another service has a category of that name, then the order is still that of the order service', async () => {
    answers['/orders/42/events'] = { status: 200, body: JSON.stringify(history) };
    const reexport = (folder: string, name: string) =>
      `export * from '${new URL(`${folder}/src/${name}.ts`, SERVICES).pathname}';`;
    const services = createServicesFolder({
      'commands/src/commands.ts': reexport('commands', 'commands'),
      'order/src/service.ts': reexport('order', 'service'),
      'kitchen/src/service.ts': "export const kitchen = { name: 'kitchen', aggregates: [{ category: 'order' }] };",
    });
    const { out, err } = await runWith(services, 'order', '42', '--at', '1', '--json');
    expect(err).toBe('');
    expect(JSON.parse(out).order.status).toBe('pending');
  });

  it('when there is no such order, then it fails and says so', async () => {
    expect(await run('order', '../43')).toEqual({ code: 1, out: '', err: 'warren: there is no order ../43\n' });
  });

  it('when the API answers nonsense, then it fails with what came', async () => {
    answers['/orders/42'] = { status: 502, body: '<html>' };
    const { code, err } = await run('order', '42');
    expect(err).toMatch(/answered 502: <html>/);
    expect(code).toBe(1);
  });

  it('when the API answers control characters, then the terminal gets none of them', async () => {
    answers['/orders/42'] = { status: 502, body: '\u001b[31mred' };
    expect((await run('order', '42')).err).toMatch(/answered 502: \uFFFD\[31mred\n$/);
    answers['/orders/42'] = { status: 200, body: JSON.stringify({ ...order, reason: '\u009b31mred' }) };
    const { out } = await run('order', '42', '--json');
    expect(out).toContain(String.raw`"reason": "\u009b31mred"`);
    expect(JSON.parse(out).order.reason).toBe('\u009b31mred');
  });

  it('when its address holds a login, then it fails without showing that', async () => {
    env = { ORDER_URL: 'http://user:secret@127.0.0.1:1' };
    const err = 'warren: the URL of the order API must not contain a login\n';
    expect(await run('order', '42')).toEqual({ code: 1, out: '', err });
  });

  it('when nobody listens, then it fails with the address', async () => {
    await close();
    const { code, err } = await run('order', '42');
    expect(err).toMatch(/^warren: cannot reach the order API at 127\.0\.0\.1:\d+: .*ECONNREFUSED/);
    expect(code).toBe(1);
    server.listen(0);
  });
});
