import { describe, expect, test } from '@jest/globals';
import { shopCatalogue } from '@shop/events/catalogue';
import { UserDeactivated, UserEmailChanged, UserRegistered } from '@shop/events/user';
import type { EventEnvelope } from '@warren/contracts';
import { EventBus } from '@warren/event-bus';
import { createEventStore, createPool, streamId } from '@warren/event-store';
import { createId, isId } from '@warren/kernel';
import { queuesFor, readTopologies } from '@warren/service';
import { waitUntil } from '@warren/testing';
import { users as usersTable } from '../src/application/user-view.ts';
import { countStatuses, newUser, useUsers } from './user-fixture.ts';

const fixture = useUsers({ instances: 1 });
const { first } = fixture;

async function registered(): Promise<{ id: string; email: string; name: string; createdAt: string }> {
  return (await first().register(newUser())).body;
}

describe('POST /users', () => {
  test('when the user is valid, then it is registered, active, and can be found where Location says', async () => {
    const user = newUser();
    const { status, body, headers } = await first().register(user);
    const { id, createdAt } = body;
    expect(status).toBe(201);
    expect(body).toEqual({ ...user, id, status: 'active', version: 1, createdAt, updatedAt: createdAt });
    expect([isId(id), headers.location]).toEqual([true, `/users/${id}`]);
    const found = await first().api.get(headers.location ?? '');
    expect([found.status, found.body, found.headers.etag]).toEqual([200, body, '"1"']);
    expect((await first().api.get(`/users/${id.toUpperCase()}`).set('If-None-Match', '"1"')).status).toBe(304);
  });

  test.each([
    ['broken JSON', '{"email":', 400, 'BODY_MALFORMED'],
    ['no name', { email: 'a@example.com' }, 400, 'REQUEST_INVALID'],
    ['no address', { email: 'nobody', name: 'n' }, 400, 'REQUEST_INVALID'],
    ['an unknown field', { email: 'a@example.com', name: 'n', status: 'active' }, 400, 'REQUEST_INVALID'],
    ['200 kB', JSON.stringify('x'.repeat(200_000)), 413, 'BODY_TOO_LARGE'],
  ])('when the body has %s, then it is refused as problem details', async (_, body, status, code) => {
    const answer = await first().register(body, { 'X-Correlation-Id': 'bad' });
    expect([answer.status, answer.body.code, answer.body.error]).toEqual([status, code, answer.body.detail]);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(answer.headers['x-correlation-id']).toBe('bad');
  });

  test('when the header is wrong too, then every fault is listed at once', async () => {
    const { body } = await first().register({ name: 7 }, { 'Idempotency-Key': 'x'.repeat(256) });
    expect(body.errors.map((fault: { path: string }) => fault.path)).toEqual(['/email', '/name', 'Idempotency-Key']);
  });

  test('when the method or the media type is another, then the answer is 405 or 415', async () => {
    const list = await first().api.get('/users');
    expect([list.status, list.headers.allow]).toEqual([405, 'POST, OPTIONS']);
    expect((await first().register('a=b', { 'Content-Type': 'text/plain' })).status).toBe(415);
  });
});

describe('PUT /users/:id/email', () => {
  test('when the address is another, then the user has it, and the same once more changes nothing', async () => {
    const user = await registered();
    const { email } = newUser();
    const changed = await first().changeEmail(user.id, email);
    expect([changed.status, changed.headers.etag]).toEqual([200, '"2"']);
    expect(changed.body).toEqual({ ...user, email, version: 2, updatedAt: expect.any(String) });
    expect((await first().changeEmail(user.id, email)).body).toEqual(changed.body);
    expect((await first().api.get(`/users/${user.id}`)).body).toEqual(changed.body);
  });

  test('when If-Match names another version, then the answer is 412 with the version, and nothing changes', async () => {
    const { id, email } = await registered();
    for (const etag of ['"99"', 'W/"1"', '"2", "3"']) {
      const { status, body, headers } = await first().changeEmail(id, newUser().email).set('If-Match', etag);
      expect([status, body.code, body.version]).toEqual([412, 'PRECONDITION_FAILED', 1]);
      expect(headers['content-type']).toBe('application/problem+json; charset=utf-8');
    }
    expect((await first().api.get(`/users/${id}`)).body).toMatchObject({ email, version: 1 });
  });

  test('when If-Match names the version, then the address changes, and the same request sent again is answered 200', async () => {
    const { id } = await registered();
    const { email } = newUser();
    for (let time = 0; time < 2; time += 1) {
      const { status, headers } = await first().changeEmail(id, email).set('If-Match', '"7", "1"');
      expect([status, headers.etag]).toEqual([200, '"2"']);
    }
    expect((await first().changeEmail(id, newUser().email).set('If-Match', '*')).headers.etag).toBe('"3"');
  });

  test('when many change the same version at the same moment, then one of them does, and the others are answered 412', async () => {
    const { id } = await registered();
    const changes = Array.from({ length: 10 }, () => first().changeEmail(id, newUser().email).set('If-Match', '"1"'));
    expect(countStatuses(await Promise.all(changes))).toEqual({ 200: 1, 412: 9 });
    expect((await first().api.get(`/users/${id}`)).body.version).toBe(2);
  });

  test('when If-Match is malformed, then it is listed with the faults of the body', async () => {
    const { status, body } = await first()
      .changeEmail((await registered()).id, 'nobody')
      .set('If-Match', '1');
    expect([status, body.errors.map(({ path }: { path: string }) => path)]).toEqual([400, ['/email', 'If-Match']]);
  });

  test('when it is no address, then it is refused', async () => {
    const { status, body } = await first().changeEmail((await registered()).id, 'nobody');
    expect([status, body.errors[0].path]).toEqual([400, '/email']);
  });

  test('when the user is deactivated, then the answer is 409 with the state', async () => {
    const { id } = await registered();
    await first().deactivate(id);
    const { status, body } = await first().changeEmail(id, newUser().email);
    expect([status, body.code, body.state]).toEqual([409, 'USER_DEACTIVATED', 'deactivated']);
  });
});

describe('POST /users/:id/deactivate', () => {
  test('when the user is deactivated, then it is, and once more changes nothing', async () => {
    const user = await registered();
    const done = await first().deactivate(user.id);
    expect([done.status, done.headers.etag]).toEqual([200, '"2"']);
    expect(done.body).toEqual({ ...user, status: 'deactivated', version: 2, updatedAt: expect.any(String) });
    const again = await first().deactivate(user.id);
    expect([again.status, again.body]).toEqual([200, done.body]);
  });

  test('when If-Match names another version, then the answer is 412 until the user is deactivated', async () => {
    const { id } = await registered();
    const deactivate = (etag: string) => first().deactivate(id).set('If-Match', etag);
    expect([(await deactivate('"2"')).status, (await deactivate('2')).status]).toEqual([412, 400]);
    expect([(await deactivate('"1"')).status, (await deactivate('"1"')).status]).toEqual([200, 200]);
  });

  test('when something is said beside it, then it is refused, and nothing happens', async () => {
    const { id } = await registered();
    expect((await first().deactivate(id).send({ reason: 'x' })).status).toBe(400);
    expect((await first().api.get(`/users/${id}`)).body.status).toBe('active');
  });
});

test.each([createId(), '1', "' OR 1=1 --", '%00'])(
  'when there is no user %s, then every path answers 404',
  async (id) => {
    const { api, changeEmail, deactivate } = first();
    const calls = [api.get(`/users/${id}`), api.get(`/users/${id}/events`), changeEmail(id, 'a@b.c'), deactivate(id)];
    for (const { status, body } of await Promise.all(calls))
      expect([status, body.code]).toEqual([404, 'USER_NOT_FOUND']);
  },
);

describe('what happened to a user', () => {
  test('when it lived a whole life, then its history tells it, and others hear the same in this order', async () => {
    const bus = new EventBus({
      url: fixture.vhost.amqpUrl,
      service: 'listener',
      catalogue: shopCatalogue,
      topology: queuesFor(readTopologies(new URL('../../', import.meta.url)), { service: 'listener' }),
    });
    const heard: EventEnvelope[] = [];
    await bus.connect();
    await bus.subscribe({
      queue: 'listener_users',
      bindings: [UserRegistered, UserEmailChanged, UserDeactivated],
      concurrency: 1,
      handler: async (event) => void heard.push(event),
    });
    const user = newUser();
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const { body } = await first().register(user, { 'X-Correlation-Id': 'life-1', traceparent });
    const { email } = newUser();
    await first().changeEmail(body.id, email).set({ 'X-Correlation-Id': 'life-2', traceparent });
    await first().deactivate(body.id).set({ 'X-Correlation-Id': 'life-3', traceparent });

    const { body: history } = await first().api.get(`/users/${body.id}/events`);
    const metadata = (id: string) => ({ correlationId: id, causationId: id, source: 'user', traceparent });
    expect(history).toMatchObject([
      { sequence: 1, type: 'UserRegistered', data: { userId: body.id, ...user }, metadata: metadata('life-1') },
      {
        sequence: 2,
        type: 'UserEmailChanged',
        data: { userId: body.id, email, previousEmail: user.email },
        metadata: metadata('life-2'),
      },
      { sequence: 3, type: 'UserDeactivated', data: { userId: body.id }, metadata: metadata('life-3') },
    ]);
    const about = () => heard.filter(({ aggregateId }) => aggregateId === body.id);
    await waitUntil(() => about().length === 3, { what: 'the three events' });
    expect(about()).toEqual(history.map(({ sequence, ...event }: { sequence: number }) => event));
    await bus.close();
  });
});

describe('the read model', () => {
  test('when events are applied again, late, or in one go to an empty table, then it is as before', async () => {
    const users = [await registered(), await registered(), await registered()];
    const [one, other] = users.map(({ id }) => id);
    await first().changeEmail(one ?? '', newUser().email);
    await first().changeEmail(one ?? '', newUser().email);
    await first().deactivate(one ?? '');
    await first().changeEmail(other ?? '', newUser().email);
    const table = async () => (await fixture.tables.query('SELECT * FROM users ORDER BY id')).rows;
    const before = await table();

    const pool = createPool({ url: fixture.database.url, schema: 'user_service' });
    const store = createEventStore({ pool });
    const streams = await store.load(before.map(({ id }) => streamId('user', id)));
    const events = [...streams.values()].flat().toSorted((a, b) => a.position - b.position);
    await store.transaction((tx) => usersTable.apply(tx, events.slice(0, -2)));
    expect(await table()).toEqual(before);
    await store.transaction(async (tx) => {
      await tx.query('DELETE FROM users');
      await usersTable.apply(tx, events);
    });
    expect(await table()).toEqual(before);
    await pool.end();
  });
});
