import { beforeEach, describe, expect, test } from '@jest/globals';
import { createMetricsRegistry, defineErrors } from '@warren/kernel';
import type { Express } from 'express';
import request from 'supertest';
import { Type } from 'typebox';
import {
  createHttpApp,
  type DeclaredRoute,
  get,
  post,
  put,
  routesAbout,
  strictObject,
  toRoutes,
} from '../src/index.ts';

const errors = defineErrors({ THING_NOT_FOUND: { kind: 'not-found', meaning: 'The test has no such thing.' } });
const missing = (id: string) => errors.THING_NOT_FOUND(`there is no thing ${id}`);
const id = '0192d3a0-0000-7000-8000-00000000000a';

const Thing = Type.Object({ id: Type.String(), version: Type.Integer() });
const List = Type.Array(Type.String());
const NewThing = strictObject({ name: Type.String(), size: Type.Integer() });

interface Deps {
  asked: unknown[];
}
let deps: Deps;
let app: Express;

beforeEach(() => {
  deps = { asked: [] };
  const take = async ({ asked }: Deps, wanted: object) => {
    asked.push(wanted);
    return { id, version: 3 };
  };
  const declared = routesAbout<Deps>({ missing }, [
    post(
      '/things',
      { body: NewThing, idempotent: true, answer: Thing, location: (thing) => `/things/${thing.id}` },
      take,
    ),
    post('/orders', { answer: Thing, location: (thing) => `/things/${thing.id}`, accepted: true }, take),
    get('/things', { answer: List }, async () => ['a']),
    get('/things/:id', { answer: Thing }, take),
    put('/things/:id/size', { body: strictObject({ size: Type.Integer() }), answer: Thing }, take),
    post('/things/:id/burn', { body: strictObject({}), answer: Thing }, take),
  ]);
  app = appOf(declared);
});

const appOf = (declared: readonly DeclaredRoute<Deps>[]): Express =>
  createHttpApp({
    routes: toRoutes(declared, deps),
    readiness: async () => ({ status: 'ready', ready: true, since: '', reasons: [], state: 'started', components: {} }),
    metrics: createMetricsRegistry('test', { collectDefaults: false }),
  });

const cause = { correlationId: 'c', causationId: 'c' };
const correlated = { 'X-Correlation-Id': 'c' };

describe('declared routes', () => {
  test('when something is created, then the use case gets body, key and cause, and the answer is 201 with its address', async () => {
    const answer = await request(app)
      .post('/things')
      .set({ ...correlated, 'Idempotency-Key': '"k"' })
      .send({ name: 'n', size: 1 });
    expect([answer.status, answer.body]).toEqual([201, { id, version: 3 }]);
    expect(answer.headers).toMatchObject({ location: `/things/${id}`, 'cache-control': 'no-store' });
    expect(answer.headers.etag).toBeUndefined();
    expect(deps.asked).toEqual([{ name: 'n', size: 1, cause, key: 'k', ifMatch: undefined }]);
  });

  test('when something is created, then its body is sent as that of a GET is: as JSON in UTF-8, with its length', async () => {
    const thing = { id: 'Größe \ud83d\ude00', version: 3 };
    const answer = async () => thing;
    const declared = [
      post('/thing', { answer: Thing, location: () => '/thing' }, answer),
      get('/thing', { answer: Thing }, answer),
    ];
    const thingApp = appOf(declared);
    const posted = await request(thingApp).post('/thing');
    const got = await request(thingApp).get('/thing');

    expect([posted.body, got.body]).toEqual([thing, thing]);
    for (const { headers } of [posted, got])
      expect(headers).toMatchObject({ 'content-type': 'application/json; charset=utf-8', 'content-length': '33' });
  });

  test('when the created thing is not complete yet, then the answer is 202 with its address', async () => {
    const { status, headers } = await request(app).post('/orders');
    expect([status, headers.location]).toEqual([202, `/things/${id}`]);
  });

  test('when body and headers have faults, then all are listed, and the use case is not called', async () => {
    const create = await request(app).post('/things').set('Idempotency-Key', '').send({ size: 'x', colour: 'red' });
    const paths = (body: { errors: { path: string }[] }) => body.errors.map(({ path }) => path).toSorted();
    expect([create.status, create.body.code]).toEqual([400, 'REQUEST_INVALID']);
    expect(paths(create.body)).toEqual(['/colour', '/name', '/size', 'Idempotency-Key']);
    const change = await request(app).put(`/things/${id}/size`).set('If-Match', '3').send({});
    expect(paths(change.body)).toEqual(['/size', 'If-Match']);
    expect(deps.asked).toEqual([]);
  });

  test('when a versioned resource is changed, then If-Match is passed on; when it is read, then not', async () => {
    await request(app)
      .put(`/things/${id.toUpperCase()}/size`)
      .set({ ...correlated, 'If-Match': '"3"' })
      .send({ size: 2 });
    await request(app)
      .get(`/things/${id}`)
      .set({ ...correlated, 'If-Match': 'nonsense' });
    expect(deps.asked).toEqual([
      { id, size: 2, cause, key: undefined, ifMatch: [3] },
      { id, cause, key: undefined, ifMatch: undefined },
    ]);
  });

  test('when a versioned resource is read, then its ETag allows conditional requests; a list without a version must not be cached', async () => {
    const { headers } = await request(app).get(`/things/${id}`);
    expect(headers).toMatchObject({ etag: '"3"', 'cache-control': 'no-cache' });
    expect((await request(app).get(`/things/${id}`).set('If-None-Match', '"3"')).status).toBe(304);
    const list = await request(app).get('/things');
    expect([list.body, list.headers.etag, list.headers['cache-control']]).toEqual([['a'], undefined, 'no-store']);
  });

  test.each([null, 'text', 1, true, [], ['a']])('when the body is %j, then it must be an object', async (body) => {
    const { status, body: problem } = await request(app)
      .post('/things')
      .set('Content-Type', 'application/json')
      .send(JSON.stringify(body));
    expect([status, problem.errors]).toEqual([400, [{ path: '', message: 'must be an object' }]]);
  });

  test('when something is created, then If-Match is ignored, even if malformed', async () => {
    const { status } = await request(app).post('/things').set('If-Match', 'nonsense').send({ name: 'n', size: 1 });
    expect(status).toBe(201);
  });

  test('when declarations contradict each other, then they are rejected', () => {
    const use = async () => ['a'];
    const list = get('/things', { answer: List }, use);
    expect(() => toRoutes([list, list], {})).toThrow('GET /things is declared twice');
    for (const name of ['cause', 'key', 'ifMatch', 'id']) {
      const body = strictObject({ [name]: Type.String() });
      expect(() => post('/things/:id', { body, answer: List }, use as never)).toThrow(`a field ${name}`);
    }
  });

  test('when `{}` is a valid body, then the body may be omitted; otherwise not', async () => {
    expect((await request(app).post(`/things/${id}/burn`)).status).toBe(200);
    expect((await request(app).post(`/things/${id}/burn`).send({ why: 'cold' })).status).toBe(400);
    expect((await request(app).put(`/things/${id}/size`)).status).toBe(415);
  });

  test('when the id is not a UUID, then the answer is not found, whatever the body', async () => {
    const { status, body } = await request(app).put('/things/7/size').send({});
    expect([status, body.code]).toEqual([404, 'THING_NOT_FOUND']);
  });

  test('when a path has several routes, then a 405 lists the methods of all', async () => {
    const { status, headers } = await request(app).delete('/things');
    expect([status, headers.allow]).toEqual([405, 'GET, POST, HEAD, OPTIONS']);
  });
});
