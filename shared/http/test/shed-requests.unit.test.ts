import { createServer, type RequestListener } from 'node:http';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { createHttpApp, post, shedRequests, strictObject, toRoutes } from '@warren/http';
import { createMetricsRegistry, isId } from '@warren/kernel';
import request from 'supertest';
import { Type } from 'typebox';

let admitted: boolean;
let asked: number;
let passed: string[];
let app: RequestListener;

beforeEach(() => {
  admitted = false;
  asked = 0;
  passed = [];
  const pass: RequestListener = (req, res) => {
    passed.push(`${req.method} ${req.url}`);
    res.end('done');
  };
  const admits = () => {
    asked += 1;
    return admitted;
  };
  app = shedRequests(pass, { requests: ['POST /homes'], admits });
});

describe('shedRequests', () => {
  it('when new work is not admitted, then it is answered 503 with Retry-After and is not passed on', async () => {
    const { status, headers, body } = await request(app).post('/homes').send({ rooms: 3 });
    expect([status, headers['retry-after'], headers['content-type']]).toEqual([
      503,
      '1',
      'application/problem+json; charset=utf-8',
    ]);
    expect(body).toMatchObject({ code: 'OVERLOADED', status: 503, type: 'urn:warren:error:OVERLOADED', errors: [] });
    expect(isId(headers['x-correlation-id'])).toBe(true);
    expect(passed).toEqual([]);
  });

  it('when the client names a correlation id, then the answer has it', async () => {
    const { headers } = await request(app).post('/homes').set('X-Correlation-Id', 'mine');
    expect(headers['x-correlation-id']).toBe('mine');
  });

  it('when it is admitted again, then it is passed on, on the connection of the rejected request', async () => {
    const server = createServer(app).listen(0);
    const keepAlive = { connection: 'keep-alive' };
    await request(server).post('/homes').set(keepAlive).send({ rooms: 3 }).expect(503);
    admitted = true;
    await request(server).post('/homes').set(keepAlive).send({ rooms: 3 }).expect(200);
    expect(passed).toEqual(['POST /homes']);
    server.close();
  });

  it.each(['/homes?x=1', '/homes/', '/Homes'])(
    'when the path is written as %s, then it is the same request',
    async (path) => {
      await request(app).post(path).expect(503);
    },
  );

  it('when a path is declared with capital letters, then it is rejected as well', async () => {
    const guarded = shedRequests((_, res) => res.end(), { requests: ['POST /roomPlans'], admits: () => false });
    await request(guarded).post('/roomPlans').expect(503);
  });

  it.each([
    ['get', '/homes'],
    ['post', '/homes/1/cancel'],
    ['get', '/health/ready'],
    ['get', '/metrics'],
  ] as const)('when the request is %s %s, then it is passed on without being asked about', async (method, path) => {
    await request(app)[method](path).expect(200);
    expect(asked).toBe(0);
  });

  it('when a route reads the request, then what it would refuse is rejected first', async () => {
    const spec = { body: strictObject({ rooms: Type.Integer() }), answer: Type.Object({}) };
    const metrics = createMetricsRegistry('test', { collectDefaults: false });
    const routes = toRoutes([post('/homes', spec, async () => ({}))], {});
    const whole = createHttpApp({ routes, metrics, readiness: () => Promise.reject(new Error('not asked')) });
    const guarded = shedRequests(whole, { requests: ['POST /homes'], admits: () => admitted });
    await request(guarded).post('/homes').send('{').expect(503);
    expect(await metrics.metrics()).not.toContain('status="503"');
    admitted = true;
    await request(guarded).post('/homes').set('Content-Type', 'application/json').send('{').expect(400);
  });
});
