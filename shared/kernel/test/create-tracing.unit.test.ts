import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { activeTracer, contextOf, createLogger, createTracing, inSpan, parentContext } from '@warren/kernel';
import { startSpanCollector } from '@warren/testing';

interface Received {
  path: string | undefined;
  headers: IncomingHttpHeaders;
  body: {
    resourceSpans: {
      resource: { attributes: { key: string; value: object }[] };
      scopeSpans: { spans: Record<string, unknown>[] }[];
    }[];
  };
}

/** A receiver of OTLP, as far as a test needs one. */
let receiver: Server;
let received: Received[];
let endpoint: string;
let logged: Record<string, unknown>[];

beforeEach(async () => {
  received = [];
  logged = [];
  receiver = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    received.push({ path: req.url, headers: req.headers, body: JSON.parse(Buffer.concat(chunks).toString()) });
    res.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
});
afterEach(async () => {
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
});

function tracingTo(url: string) {
  const destination = new PassThrough().on('data', (line: Buffer) => logged.push(JSON.parse(line.toString())));
  return createTracing({
    service: 'test',
    endpoint: url,
    logger: createLogger({ service: 'test', level: 'warn', destination }),
  });
}

describe('createTracing', () => {
  it('when there is an endpoint, then the spans of the process are there once it has stopped, and no more are made', async () => {
    const tracing = tracingTo(`${endpoint}/`);
    await tracing.start?.();
    const outer = activeTracer()?.startSpan('outer');
    if (!outer) throw new Error('nobody records spans');
    const parent = parentContext(contextOf(outer));
    const inner = activeTracer()?.startSpan('inner', {}, parent);
    if (inner) await inSpan(inner, parent, async () => undefined);
    outer.end();
    await tracing.stop?.();

    expect(received.map(({ path }) => path)).toEqual(['/v1/traces']);
    const [{ resource, scopeSpans } = { resource: { attributes: [] }, scopeSpans: [] }] =
      received[0]?.body.resourceSpans ?? [];
    expect(resource.attributes).toContainEqual({ key: 'service.name', value: { stringValue: 'test' } });
    const { traceId, spanId } = outer.spanContext();
    expect(scopeSpans[0]?.spans).toEqual([
      expect.objectContaining({ name: 'inner', traceId, parentSpanId: spanId }),
      expect.objectContaining({ name: 'outer', traceId, spanId }),
    ]);
    expect(activeTracer()).toBeUndefined();
    expect(logged).toEqual([]);
  });

  it('when there is no endpoint, then no spans are made', async () => {
    const tracing = tracingTo('');
    await tracing.start?.();
    expect(activeTracer()).toBeUndefined();
    await tracing.stop?.();
  });

  it('when the program has set up an SDK itself, then that one gets the spans, also after the stop', async () => {
    const collector = startSpanCollector();
    const tracing = tracingTo(endpoint);
    await tracing.start?.();
    await tracing.stop?.();
    activeTracer()?.startSpan('its own').end();
    expect(collector.spans().map(({ name }) => name)).toEqual(['its own']);
    await collector.stop();
    expect(received).toEqual([]);
  });

  it('when what a span stands for fails, then the span says with which code, and the error goes on', async () => {
    const tracing = tracingTo(endpoint);
    await tracing.start?.();
    const span = activeTracer()?.startSpan('failing');
    if (!span) throw new Error('nobody records spans');
    const failing = inSpan(span, parentContext({}), () => Promise.reject(new Error('broken')));
    await expect(failing).rejects.toThrow('broken');
    await tracing.stop?.();
    expect(received[0]?.body.resourceSpans[0]?.scopeSpans[0]?.spans).toMatchObject([
      { status: { message: 'broken' }, attributes: [{ key: 'error.type', value: { stringValue: 'UNEXPECTED' } }] },
    ]);
  });

  it('when the receiver gives no answer, then the stop does not fail, takes its time limit at most, and says so', async () => {
    receiver.removeAllListeners('request');
    const tracing = tracingTo(endpoint);
    await tracing.start?.();
    activeTracer()?.startSpan('lost').end();
    await tracing.stop?.();
    expect(logged).toContainEqual(expect.objectContaining({ msg: 'the last spans were not exported in time' }));
    expect(activeTracer()).toBeUndefined();
  });
});
