import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestBroker, type TestBroker } from '@warren/testing';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startTestBroker();
});
afterAll(() => broker.close());

async function queues(method = 'GET', name = ''): Promise<Response> {
  const { origin, username, password } = new URL(broker.managementUrl);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const body = method === 'PUT' ? JSON.stringify({ durable: true, arguments: { 'x-queue-type': 'quorum' } }) : null;
  return fetch(`${origin}/api/queues/%2F/${name}`, {
    method,
    body,
    headers: { authorization, connection: 'close', 'content-type': 'application/json' },
  });
}

test('when it is killed and started again, then its queues are there under the same URL', async () => {
  expect((await queues('PUT', 'kept')).status).toBe(201);
  const { pid } = broker;
  await broker.kill();
  await expect(queues()).rejects.toThrow();
  await broker.start();
  expect(broker.pid).not.toBe(pid);
  expect((await queues('GET', 'kept')).status).toBe(200);
});
