import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { correlationIdOf, createHttpApp, type Route, readJsonBody } from '@warren/http';
import { createLogger, createMetricsRegistry, isId, type Readiness } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import type { Express } from 'express';
import request from 'supertest';

const routes: Route[] = [
  {
    path: '/things/:id',
    methods: {
      GET: (req, res) => void res.json({ id: req.params.id, correlationId: correlationIdOf(res) }),
      POST: async (req, res) => void res.status(201).json(await readJsonBody(req, { limitBytes: 1000 })),
      DELETE: () => {
        throw new TypeError('secret detail');
      },
    },
  },
];

let readiness: Readiness;
let lines: Record<string, unknown>[];
let app: Express;

beforeEach(() => {
  readiness = {
    status: 'ready',
    ready: true,
    since: '2026-11-21T10:00:00.000Z',
    reasons: [],
    state: 'started',
    components: { database: { up: true } },
  };
  lines = [];
  const destination = new PassThrough().on('data', (line: Buffer) => lines.push(JSON.parse(line.toString())));
  app = createHttpApp({
    routes,
    readiness: async () => readiness,
    metrics: createMetricsRegistry('test', { collectDefaults: false }),
    logger: createLogger({ service: 'test', level: 'debug', destination }),
  });
});

const post = (body: string, type = 'application/json') =>
  request(app).post('/things/1').set('Content-Type', type).send(body);

describe('access log', () => {
  test('when probes and scrapes arrive, then they are logged at debug, whatever the answer; a failed request at info', async () => {
    readiness = { ...readiness, status: 'down', ready: false };
    await request(app).get('/health/ready').expect(503);
    await request(app).get('/metrics').expect(200);
    await request(app).get('/nothing').expect(404);
    const levels = lines.filter((line) => line.msg === 'request').map(({ path, level }) => [path, level]);
    expect(levels).toEqual([
      ['/health/ready', 'debug'],
      ['/metrics', 'debug'],
      ['/nothing', 'info'],
    ]);
  });
});

describe('correlation', () => {
  test('when the client sends an id, then it is kept, returned and logged', async () => {
    const response = await request(app).get('/things/1').set('X-Correlation-Id', 'my-id_1');
    expect(response.headers['x-correlation-id']).toBe('my-id_1');
    expect(response.body.correlationId).toBe('my-id_1');
    expect(lines).toContainEqual(expect.objectContaining({ correlationId: 'my-id_1', status: 200, path: '/things/1' }));
  });

  test.each(['', 'a b', 'x'.repeat(129), 'schön', '\t'])(
    'when the id is the invalid %j, then a new one is created',
    async (given) => {
      const response = await request(app).get('/things/1').set('X-Correlation-Id', given);
      expect(isId(response.headers['x-correlation-id'])).toBe(true);
    },
  );

  test('when the answer is an error, then it carries the id too', async () => {
    const response = await request(app).get('/nothing').set('X-Correlation-Id', 'mine');
    expect(response.status).toBe(404);
    expect(response.headers['x-correlation-id']).toBe('mine');
  });
});

describe('routes', () => {
  test('when the path is unknown, then the answer is 404 as problem details', async () => {
    const response = await request(app).get('/nothing');
    expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(response.body).toMatchObject({ status: 404, code: 'ROUTE_NOT_FOUND', detail: response.body.error });
  });

  test('when the path does not support the method, then the answer is 405 with Allow', async () => {
    const response = await request(app).put('/things/1');
    expect(response.status).toBe(405);
    expect(response.headers.allow).toBe('GET, POST, DELETE, HEAD, OPTIONS');
    expect(response.body.code).toBe('METHOD_NOT_ALLOWED');
  });

  test('when the method is HEAD or OPTIONS, then there is no body', async () => {
    expect((await request(app).head('/things/1')).status).toBe(200);
    const options = await request(app).options('/things/1');
    expect([options.status, options.headers.allow]).toEqual([204, 'GET, POST, DELETE, HEAD, OPTIONS']);
  });

  test('when the path has a broken percent sign, then the answer is 400, not 500', async () => {
    const response = await request(app).get('/things/%zz');
    expect(response.body).toMatchObject({ status: 400, code: 'REQUEST_MALFORMED' });
  });

  test('when a handler fails, then the answer is 500 without details and the log has the stack', async () => {
    const response = await request(app).delete('/things/1');
    expect(response.status).toBe(500);
    expect(response.text).not.toContain('secret');
    const logged = lines.find((line) => line.msg === 'request failed');
    expect(logged).toMatchObject({ level: 'error', correlationId: response.headers['x-correlation-id'] });
    expect(JSON.stringify(logged)).toContain('secret detail');
  });
});

describe('JSON bodies', () => {
  test('when the body is JSON in UTF-8, then it is read', async () => {
    const response = await post('\uFEFF{"name":"Zoë 🐇"}'.slice(1), 'application/json; charset=UTF-8');
    expect([response.status, response.body]).toEqual([201, { name: 'Zoë 🐇' }]);
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'application/json; charset=utf-16',
    'application/json; charset=latin1',
    ';',
  ])('when the content type is %s, then the answer is 415', async (type) => {
    const response = await post('{}', type);
    expect(response.body).toMatchObject({ status: 415, code: 'MEDIA_TYPE_UNSUPPORTED' });
  });

  test('when the content type is missing or the body compressed, then the answer is 415', async () => {
    const missing = await request(app).post('/things/1').unset('Content-Type');
    expect(missing.body).toMatchObject({ status: 415, detail: expect.stringContaining('is missing') });
    const compressed = await post('{}').set('Content-Encoding', 'gzip');
    expect(compressed.body).toMatchObject({ status: 415, detail: expect.stringContaining('compressed') });
  });

  test.each([
    ['{"a":', 'is not JSON'],
    ['', 'is empty'],
    ['{"a":1,"a":2}', 'appears twice'],
  ])('when the body is %p, then the answer is 400 and says why', async (body, text) => {
    const response = await post(body);
    expect(response.body).toMatchObject({ status: 400, code: 'BODY_MALFORMED', detail: expect.stringContaining(text) });
  });

  test('when the body is not UTF-8, then the answer is 400', async () => {
    const call = request(app).post('/things/1').set('Content-Type', 'application/json');
    call.write(Buffer.from([0x22, 0xff, 0x22]));
    const response = await call;
    expect(response.body).toMatchObject({ status: 400, detail: 'the body is not valid UTF-8' });
  });

  test('when the body is one byte too large, then the answer is 413', async () => {
    const fits = await post(JSON.stringify('x'.repeat(998)));
    const tooLarge = await post(JSON.stringify('x'.repeat(999)));
    expect([fits.status, tooLarge.status]).toEqual([201, 413]);
    expect(tooLarge.body.code).toBe('BODY_TOO_LARGE');
  });

  test('when 10 MB arrive without a length, then the answer is still 413', async () => {
    const response = await new Promise<{ status: number }>((resolve, reject) => {
      const call = request(app)
        .post('/things/1')
        .set('Content-Type', 'application/json')
        .set('Transfer-Encoding', 'chunked');
      call.on('error', reject).on('response', resolve);
      for (let sent = 0; sent < 10; sent += 1) call.write('x'.repeat(1_000_000));
      call.end();
    });
    expect(response.status).toBe(413);
  });
});

describe('a client that disconnects', () => {
  test('when it disconnects before its answer, then it is logged and counted as aborted, not as answered', async () => {
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.write(
      'POST /things/1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    );
    await once(server, 'request');
    client.destroy();
    const line = await waitUntil(() => lines.find((one) => one.msg === 'request'));
    expect(line).toMatchObject({ level: 'info', aborted: true });
    expect(line).not.toHaveProperty('status');
    const { text } = await request(app).get('/metrics');
    expect(text).toMatch(/warren_http_request_seconds_count\{.*status="aborted".*\} 1/);
    expect(text).not.toMatch(/method="POST".*status="200"/);
    server.close();
  });
});

describe('health and metrics', () => {
  test('when a component is down, then ready answers 503 and names it, and live answers 200', async () => {
    const since = '2026-11-21T10:00:01.000Z';
    readiness = {
      ...readiness,
      status: 'down',
      ready: false,
      since,
      reasons: [{ component: 'database', reason: 'gone', since }],
      components: { database: { up: false, reason: 'gone', since } },
    };
    const ready = await request(app).get('/health/ready');
    expect([ready.status, ready.body]).toEqual([503, readiness]);
    expect((await request(app).get('/health/live')).status).toBe(200);
  });

  test('when the service accepts what it cannot process, then ready answers 200, degraded and why', async () => {
    const reasons = [{ component: 'bus', reason: 'connection refused', since: readiness.since }];
    readiness = { ...readiness, status: 'degraded', ready: false, reasons };
    const { status, body } = await request(app).get('/health/ready');
    expect([status, body]).toEqual([200, readiness]);
  });

  test('when the service drains, then ready answers 503 and live answers 200', async () => {
    readiness = { ...readiness, status: 'down', ready: false, state: 'stopping' };
    expect((await request(app).get('/health/ready')).status).toBe(503);
    expect((await request(app).get('/health/live')).status).toBe(200);
  });

  test('when requests were answered, then their time is measured by route and status, never by path', async () => {
    await request(app).get('/things/1');
    await request(app).get('/things/2');
    await request(app).get('/nothing/3');
    const { text, headers } = await request(app).get('/metrics');
    expect(headers['content-type']).toContain('text/plain');
    expect(text).toMatch(
      /warren_http_request_seconds_count\{.*method="GET",.*route="\/things\/:id",.*status="200".*\} 2/,
    );
    expect(text).toMatch(/warren_http_request_seconds_count\{.*route="unmatched",.*status="404".*\} 1/);
    expect(text).not.toMatch(/things\/1|nothing/);
  });
});
