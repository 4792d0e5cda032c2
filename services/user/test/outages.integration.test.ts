import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { shopCatalogue } from '@shop/events/catalogue';
import { UserEmailChanged, UserRegistered } from '@shop/events/user';
import type { EventEnvelope } from '@warren/contracts';
import { EventBus } from '@warren/event-bus';
import { createTcpProxy, type TcpProxy, uniqueName, waitUntil, waitUntilReady } from '@warren/testing';
import { newUser, useUsers } from './user-fixture.ts';

let broker: TcpProxy;
const fixture = useUsers({
  instances: 1,
  async amqpUrl(direct) {
    broker = await createTcpProxy(direct);
    return broker.through(direct);
  },
});

let listener: EventBus;
const heard: EventEnvelope[] = [];
beforeAll(async () => {
  listener = new EventBus({ url: fixture.vhost.amqpUrl, service: 'test', topology: [], catalogue: shopCatalogue });
  await listener.connect();
  const bindings = [UserRegistered, UserEmailChanged];
  await listener.subscribe({ queue: uniqueName('users'), bindings, handler: async (event) => void heard.push(event) });
});
afterAll(async () => {
  await listener?.close();
  broker.refuse(false);
  await broker.close();
});

test('when the broker is away, then users register and change as ever, and others hear of it in its order once it is back', async () => {
  const { api, service, register, changeEmail } = fixture.first();
  broker.refuse(true);
  broker.cut();
  await waitUntil(async () => (await service.lifecycle.readiness()).status === 'degraded', { what: 'degraded' });
  expect((await api.get('/health/ready')).status).toBe(200);
  const user = newUser();
  const { status, body } = await register(user);
  expect(status).toBe(201);
  const next = newUser().email;
  expect((await changeEmail(body.id, next)).status).toBe(200);
  expect((await api.get(`/users/${body.id}`)).body).toMatchObject({ email: next, version: 2 });
  expect(heard).toEqual([]);
  broker.refuse(false);
  await waitUntil(() => heard.length === 2, { what: 'both events' });
  expect(heard).toMatchObject([
    { type: 'UserRegistered', data: { userId: body.id, email: user.email } },
    { type: 'UserEmailChanged', data: { userId: body.id, email: next } },
  ]);
  await waitUntilReady(service);
});
