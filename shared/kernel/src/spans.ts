import {
  type Context,
  context,
  createTraceState,
  ProxyTracerProvider,
  type Span,
  type SpanContext,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { toAppError } from './errors.ts';
import type { TraceContext } from './trace-context.ts';

const TRACER = 'warren';

/**
 * The tracer that records spans in this process: that of `createTracing`, or of an OpenTelemetry SDK that the program has set up itself.
 * `undefined` while nothing records spans, which is the usual case: spans must then cost nothing.
 */
export function activeTracer(): Tracer | undefined {
  const provider = trace.getTracerProvider();
  // A tracer of the API's own placeholder would create an empty span for each event.
  return provider instanceof ProxyTracerProvider ? provider.getDelegateTracer(TRACER) : provider.getTracer(TRACER);
}

/** The remote span that a trace context names; `undefined` if it names none. */
export function toSpanContext({ traceparent, tracestate }: TraceContext): SpanContext | undefined {
  if (traceparent === undefined) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-');
  const traceState = tracestate === undefined ? undefined : createTraceState(tracestate);
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true, traceState };
}

/** The context in which a new span becomes a child of the span that a trace context names or, if it names none, of the active span. */
export function parentContext(carried: TraceContext): Context {
  const parent = toSpanContext(carried);
  return parent ? trace.setSpanContext(context.active(), parent) : context.active();
}

/** The trace context to pass on so that remote spans become children of this one. */
export function contextOf(span: Span): TraceContext {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  const tracestate = traceState?.serialize();
  return tracestate ? { traceparent, tracestate } : { traceparent };
}

/** Runs the work with the span active, records a failure, and ends the span. */
export async function inSpan<Result>(span: Span, parent: Context, work: () => Promise<Result>): Promise<Result> {
  try {
    return await context.with(trace.setSpan(parent, span), work);
  } catch (error) {
    failSpan(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** Marks a span as failed: `error.type` is the code of the error. */
export function failSpan(span: Span, thrown: unknown): void {
  const { code, message } = toAppError(thrown);
  span.setAttribute('error.type', code);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}
