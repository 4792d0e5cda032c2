import { createTraceState } from '@opentelemetry/api';

/**
 * The trace and the parent span that something belongs to: W3C Trace Context (https://www.w3.org/TR/trace-context/), as carried in request
 * headers, event metadata and message headers. It is passed on whether or not anybody records spans. Without a `traceparent` it belongs to
 * no trace.
 */
export interface TraceContext {
  /** `00-<trace id>-<span id>-<flags>`, in hexadecimal digits. */
  traceparent?: string;
  /** Vendor-specific tracing state; only with a `traceparent`. */
  tracestate?: string;
}

const NO_TRACE: TraceContext = Object.freeze({});
const VERSION_00_LENGTH = 55;
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(-.*)?$/;

/**
 * Reads the trace context from request headers, event metadata or message headers. As the standard requires, an invalid one counts as none,
 * and a later version is read as the version 00 that it starts with. Keeps the valid members of `tracestate`.
 */
export function readTraceContext({ traceparent, tracestate }: { readonly [name: string]: unknown }): TraceContext {
  if (typeof traceparent !== 'string' || !isTraceparent(traceparent)) return NO_TRACE;
  const current = `00${traceparent.slice(2, VERSION_00_LENGTH)}`;
  const state = typeof tracestate === 'string' ? createTraceState(tracestate).serialize() : '';
  return state === '' ? { traceparent: current } : { traceparent: current, tracestate: state };
}

/** Only later versions may have more after the flags. */
function isTraceparent(text: string): boolean {
  return TRACEPARENT.test(text) && (text.length === VERSION_00_LENGTH || !text.startsWith('00'));
}
