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
 * The tracer of whoever records spans in this process: `createTracing`, or an OpenTelemetry SDK that the program has set up itself.
 * `undefined` while nobody does, which is the usual case: then nothing is to be spent on spans.
 */
export function activeTracer(): Tracer | undefined {
  const provider = trace.getTracerProvider();
  // A tracer of the API's own stand-in would make an empty span for each event.
  return provider instanceof ProxyTracerProvider ? provider.getDelegateTracer(TRACER) : provider.getTracer(TRACER);
}

/** The span that a trace context names, which is somebody else's; `undefined` where it names none. */
export function toSpanContext({ traceparent, tracestate }: TraceContext): SpanContext | undefined {
  if (traceparent === undefined) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-');
  const traceState = tracestate === undefined ? undefined : createTraceState(tracestate);
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true, traceState };
}

/** The context in which a span becomes a child of the one that a trace context names; without one, of the span that is active here. */
export function parentContext(carried: TraceContext): Context {
  const parent = toSpanContext(carried);
  return parent ? trace.setSpanContext(context.active(), parent) : context.active();
}

/** What is to be carried on so that the spans of others become children of this one. */
export function contextOf(span: Span): TraceContext {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  const tracestate = traceState?.serialize();
  return tracestate ? { traceparent, tracestate } : { traceparent };
}

/** Runs the work with the span as the active one, notes how it fails, and ends the span. */
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

/** Notes on a span that what it stands for has failed: `error.type` is the code of the error. */
export function failSpan(span: Span, thrown: unknown): void {
  const { code, message } = toAppError(thrown);
  span.setAttribute('error.type', code);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}
