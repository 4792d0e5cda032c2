import { createTraceState } from '@opentelemetry/api';

/**
 * To which trace something belongs, and behind which span of it: W3C Trace Context (https://www.w3.org/TR/trace-context/), as it stands in
 * the head of a request, in the metadata of an event and in the headers of a message. It is data: it is carried on whether or not
 * anybody records spans. Without a `traceparent` it belongs to no trace.
 */
export interface TraceContext {
  /** `00-<trace id>-<span id>-<flags>`, in hexadecimal digits. */
  traceparent?: string;
  /** What tracing systems keep beside it; only with a `traceparent`. */
  tracestate?: string;
}

const NO_TRACE: TraceContext = Object.freeze({});
const VERSION_00_LENGTH = 55;
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(-.*)?$/;

/**
 * The trace context of a request's head, of metadata or of headers. One that is not valid is none, as the standard wants it; one of a later
 * version is read as the version 00 that it begins with. Of the `tracestate` the members that are valid are kept.
 */
export function readTraceContext({ traceparent, tracestate }: { readonly [name: string]: unknown }): TraceContext {
  if (typeof traceparent !== 'string' || !isTraceparent(traceparent)) return NO_TRACE;
  const current = `00${traceparent.slice(2, VERSION_00_LENGTH)}`;
  const state = typeof tracestate === 'string' ? createTraceState(tracestate).serialize() : '';
  return state === '' ? { traceparent: current } : { traceparent: current, tracestate: state };
}

/** Only later versions may have more behind the flags. */
function isTraceparent(text: string): boolean {
  return TRACEPARENT.test(text) && (text.length === VERSION_00_LENGTH || !text.startsWith('00'));
}
