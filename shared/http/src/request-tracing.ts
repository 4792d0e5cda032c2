import { context, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { activeTracer, contextOf, parentContext, readTraceContext, type TraceContext } from '@warren/kernel';
import type { Request, RequestHandler, Response } from 'express';
import { correlationIdOf } from './correlation.ts';
import { isProbe } from './probe.ts';

/**
 * Reads the trace context of each request (`traceparent`, `tracestate`). While spans are recorded, each request has a server span that
 * follows the semantic conventions for HTTP; probes and scrapes have none.
 */
export function requestTracing(): RequestHandler {
  return (req, res, next) => {
    const incoming = readTraceContext(req.headers);
    const tracer = isProbe(req.path) ? undefined : activeTracer();
    if (!tracer) {
      res.locals.traceContext = incoming;
      next();
      return;
    }
    const parent = parentContext(incoming);
    const attributes = { 'http.request.method': req.method, 'url.path': req.path, 'url.scheme': req.protocol };
    const span = tracer.startSpan(req.method, { kind: SpanKind.SERVER, attributes }, parent);
    res.locals.traceContext = contextOf(span);
    res.once('close', () => endSpan(span, req, res));
    context.with(trace.setSpan(parent, span), next);
  };
}

/** What a request passes on to the events it causes. */
export function requestContextOf(res: Response): { correlationId: string; traceContext: TraceContext } {
  return { correlationId: correlationIdOf(res), traceContext: res.locals.traceContext as TraceContext };
}

/** The pattern of the route is known only now. A disconnected client or a client error is not an error of the server. */
function endSpan(span: Span, req: Request, res: Response): void {
  const route: unknown = req.route?.path;
  if (typeof route === 'string') span.updateName(`${req.method} ${route}`).setAttribute('http.route', route);
  if (res.headersSent) span.setAttribute('http.response.status_code', res.statusCode);
  if (res.statusCode >= 500) {
    span.setAttribute('error.type', String(res.statusCode)).setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}
