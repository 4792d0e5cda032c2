import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { createHttpApp, requestContextOf } from '@warren/http';
import { activeTracer, createMetricsRegistry } from '@warren/kernel';
import { type SpanCollector, startSpanCollector, waitUntil } from '@warren/testing';
import type { Express } from 'express';
import request from 'supertest';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';
const traceparent = `00-${traceId}-${spanId}-01`;

let app: Express;
beforeEach(() => {
  app = createHttpApp({
    routes: [
      {
        path: '/things/:id',
        methods: {
          GET: async (_req, res) => {
            await Promise.resolve();
            activeTracer()?.startSpan('inner').end();
            res.json(requestContextOf(res));
          },
          DELETE: () => {
            throw new TypeError('a bug');
          },
        },
      },
    ],
    readiness: async () => ({
      status: 'ready',
      ready: true,
      since: new Date().toISOString(),
      reasons: [],
      state: 'started',
      components: {},
    }),
    metrics: createMetricsRegistry('test', { collectDefaults: false }),
  });
});

describe('while nobody records spans', () => {
  test('when a request has a trace context, then it is passed on unchanged', async () => {
    const { body } = await request(app).get('/things/1').set({
      traceparent,
      tracestate: 'a=1',
      'X-Correlation-Id': 'c',
    });
    expect(body).toEqual({ correlationId: 'c', traceContext: { traceparent, tracestate: 'a=1' } });
  });

  test.each(['', 'nonsense', `00-${'0'.repeat(32)}-${spanId}-01`])(
    'when its traceparent is the invalid %j, then the request is answered and passes none on',
    async (given) => {
      const { status, body } = await request(app).get('/things/1').set({ traceparent: given, tracestate: 'a=1' });
      expect({ status, traceContext: body.traceContext }).toEqual({ status: 200, traceContext: {} });
    },
  );
});

describe('while spans are recorded', () => {
  let collector: SpanCollector;
  beforeEach(async () => {
    collector = await startSpanCollector();
  });
  afterEach(() => collector.stop());

  /** The span of the request. It ends once the response has been sent, which the client may see earlier. */
  const serverSpan = () =>
    waitUntil(() => collector.spans().find(({ kind }) => kind === SpanKind.SERVER), {
      what: 'the span of the request',
    });

  test('when a request belongs to a trace, then its span does too, and is passed on as the parent', async () => {
    const { body } = await request(app).get('/things/1').set({ traceparent, tracestate: 'a=1' });
    const span = await serverSpan();
    const { spanId: own } = span.spanContext();
    expect(span.spanContext().traceId).toBe(traceId);
    expect(span.parentSpanContext).toMatchObject({ traceId, spanId, isRemote: true });
    expect(body.traceContext).toEqual({ traceparent: `00-${traceId}-${own}-01`, tracestate: 'a=1' });
    expect(span.name).toBe('GET /things/:id');
    expect(span.attributes).toEqual({
      'http.request.method': 'GET',
      'http.route': '/things/:id',
      'http.response.status_code': 200,
      'url.path': '/things/1',
      'url.scheme': 'http',
    });
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
  });

  test("when a handler starts its own spans, then they are children of the request's span", async () => {
    await request(app).get('/things/1');
    const { spanId: own } = (await serverSpan()).spanContext();
    expect(collector.spans().find(({ name }) => name === 'inner')?.parentSpanContext?.spanId).toBe(own);
  });

  test('when a handler fails, then the span is marked as failed; on a client error it is not', async () => {
    await request(app).delete('/things/1').expect(500);
    expect(await serverSpan()).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'error.type': '500' },
    });
    await request(app).get('/nothing').expect(404);
    const missed = await waitUntil(() => collector.spans().find(({ name }) => name === 'GET'));
    expect(missed.status.code).toBe(SpanStatusCode.UNSET);
  });

  test('when probes and scrapes arrive, then they have no spans', async () => {
    await request(app).get('/health/live').expect(200);
    await request(app).get('/metrics').expect(200);
    await request(app).get('/things/1').expect(200);
    await serverSpan();
    expect(collector.spans().map(({ name }) => name)).toEqual(['inner', 'GET /things/:id']);
  });
});
