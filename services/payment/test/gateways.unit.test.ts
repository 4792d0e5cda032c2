import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitUntil } from '@warren/testing';
import { createGuardedGateway } from '../src/adapters/gateway/guarded-gateway.ts';
import { createHttpGateway } from '../src/adapters/gateway/http-gateway.ts';
import type { GuardedGateway } from '../src/application/payment-gateway.ts';

interface Call {
  path: string | undefined;
  headers: IncomingHttpHeaders;
  body: unknown;
}

let server: Server;
let calls: Call[];
/** What the gateway answers; nothing: it does not. */
let answer: { status: number; body?: unknown } | undefined;
let guarded: GuardedGateway | undefined;

beforeEach(async () => {
  calls = [];
  answer = { status: 201, body: { id: 'p-1' } };
  server = createServer((req, res) => {
    let text = '';
    req.on('data', (chunk) => (text += chunk));
    req.on('end', () => {
      calls.push({ path: req.url, headers: req.headers, body: JSON.parse(text) });
      if (answer) res.writeHead(answer.status).end(JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  guarded?.stop();
  guarded = undefined;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const urlOf = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/`;
const { signal } = new AbortController();
const request = { orderId: 'o-1', idempotencyKey: 'key-1', amount: 20.4, currency: 'EUR' };
const charge = () => createHttpGateway(urlOf()).charge(request, signal);

describe('the gateway over HTTP', () => {
  it('when it is asked, then the idempotency key goes with the request, and its id is the answer', async () => {
    expect(await charge()).toEqual([{ status: 'accepted', paymentId: 'p-1' }]);
    await createHttpGateway(urlOf()).refund({ ...request, paymentId: 'p-1', idempotencyKey: 'key-2' }, signal);
    expect(calls).toMatchObject([
      {
        path: '/v1/charges',
        headers: { 'idempotency-key': 'key-1', 'content-type': 'application/json' },
        body: { orderId: 'o-1', amount: 20.4, currency: 'EUR' },
      },
      { path: '/v1/refunds', headers: { 'idempotency-key': 'key-2' }, body: { orderId: 'o-1', paymentId: 'p-1' } },
    ]);
  });

  it.each([
    [{ reason: 'no money' }, 'no money'],
    [{ reason: 'no\u0000 money' }, 'the payment was declined'],
    [undefined, 'the payment was declined'],
  ])('when it answers 402 with %j, then the charge is declined', async (body, reason) => {
    answer = { status: 402, body };
    expect(await charge()).toEqual([{ status: 'declined', reason }]);
  });

  it.each([
    [500, 'GATEWAY_UNAVAILABLE'],
    [503, 'GATEWAY_UNAVAILABLE'],
    [429, 'GATEWAY_UNAVAILABLE'],
    [409, 'GATEWAY_UNAVAILABLE'],
    [302, 'GATEWAY_UNAVAILABLE'],
    [400, 'GATEWAY_REFUSED'],
    [401, 'GATEWAY_REFUSED'],
    [200, 'GATEWAY_REFUSED'],
  ])('when it answers %d and no id, then nothing is known of the money', async (status, code) => {
    answer = { status, body: { id: '' } };
    await expect(charge()).rejects.toMatchObject({ code });
  });

  it('when the id that it answers cannot be stored, then it counts as none', async () => {
    answer = { status: 200, body: { id: 'p\u0000' } };
    await expect(charge()).rejects.toMatchObject({ code: 'GATEWAY_REFUSED' });
  });

  it('when a refund is answered 402, then it is not done', async () => {
    answer = { status: 402, body: {} };
    const refund = createHttpGateway(urlOf()).refund({ ...request, paymentId: 'p-1' }, signal);
    await expect(refund).rejects.toMatchObject({ code: 'GATEWAY_REFUSED' });
  });

  it('when nobody listens, then nothing is known of the money', async () => {
    const gateway = createHttpGateway('http://127.0.0.1:1');
    await expect(gateway.charge(request, signal)).rejects.toMatchObject({ code: 'GATEWAY_UNAVAILABLE' });
  });
});

describe('a guarded gateway', () => {
  const guard = (timeoutMs: number) => {
    guarded = createGuardedGateway(createHttpGateway(urlOf()), { timeoutMs, failures: 3, resetMs: 1000 });
    return guarded;
  };

  it('when the gateway is silent, then the call ends at its time limit', async () => {
    answer = undefined;
    await expect(guard(50).charge(request, signal)).rejects.toMatchObject({ code: 'GATEWAY_UNAVAILABLE' });
  });

  it('when the caller gives up, then the call ends', async () => {
    answer = undefined;
    const gaveUp = new AbortController();
    const charged = guard(600_000).charge(request, gaveUp.signal);
    await waitUntil(() => calls.length === 1, { what: 'the call' });
    gaveUp.abort();
    await expect(charged).rejects.toMatchObject({ code: 'GATEWAY_UNAVAILABLE' });
  });

  it('when most calls are not answered, then it is left alone for a while, and tried again after that', async () => {
    answer = { status: 503 };
    const gateway = guard(5000);
    const once = () => gateway.charge(request, signal).catch((error) => error.code);
    await once();
    await once();
    await once();
    expect(gateway.state).toBe('open');
    const before = calls.length;
    expect(await once()).toBe('GATEWAY_UNAVAILABLE');
    expect(calls).toHaveLength(before);
    answer = { status: 201, body: { id: 'p-1' } };
    await waitUntil(() => gateway.state === 'half-open', { what: 'the rest to end' });
    expect(await once()).toEqual([{ status: 'accepted', paymentId: 'p-1' }]);
    expect(gateway.state).toBe('closed');
  });

  it('when callers give up, then that is not held against the gateway', async () => {
    answer = undefined;
    const gateway = guard(600_000);
    const gaveUp = new AbortController();
    const charged = Array.from({ length: 6 }, () => gateway.charge(request, gaveUp.signal).catch(() => undefined));
    await waitUntil(() => calls.length === 6, { what: 'the calls' });
    gaveUp.abort();
    await Promise.all(charged);
    expect(gateway.state).toBe('closed');
  });

  it('when a caller gives up the one call that tries it again, then it is left alone again', async () => {
    answer = { status: 503 };
    const gateway = guard(600_000);
    for (let tries = 0; tries < 3; tries += 1) await gateway.charge(request, signal).catch(() => undefined);
    await waitUntil(() => gateway.state === 'half-open', { what: 'the rest to end' });
    answer = undefined;
    const gaveUp = new AbortController();
    const charged = gateway.charge(request, gaveUp.signal).catch(() => undefined);
    await waitUntil(() => calls.length === 4, { what: 'the call' });
    gaveUp.abort();
    await charged;
    expect(gateway.state).toBe('open');
  });

  it('when the gateway refuses, then it is not left alone: it answers', async () => {
    answer = { status: 401 };
    const gateway = guard(5000);
    for (let tries = 0; tries < 6; tries += 1) await gateway.charge(request, signal).catch(() => undefined);
    expect([calls.length, gateway.state]).toEqual([6, 'closed']);
  });
});
