import type { IncomingMessage, RequestListener } from 'node:http';
import { CORRELATION_HEADER, correlationIdFor } from './correlation.ts';
import { httpErrors } from './http-errors.ts';
import { problemOf } from './problem-details.ts';

export interface ShedRequestsOptions {
  /** The requests that may be rejected, as `<method> <path>` without parameters, e.g. `POST /homes`. */
  requests: readonly string[];
  /** Whether to pass such a request on. */
  admits(): boolean;
}

/**
 * Answers 503 `OVERLOADED` with `Retry-After` instead of passing a request on, while `admits` returns false. It does so before anything else
 * happens: the request's body is not read, and it takes no log line, no span and no sample of `warren_http_request_seconds`.
 */
export function shedRequests(app: RequestListener, { requests, admits }: ShedRequestsOptions): RequestListener {
  const sheddable = new Set(requests.map(normalized));
  const { status, headers, body } = problemOf(httpErrors.OVERLOADED('the service is overloaded'));
  const text = JSON.stringify(body);
  const fixed = {
    ...headers,
    'Content-Type': 'application/problem+json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(text)),
  };
  return (req, res) => {
    if (!sheddable.has(nameOf(req)) || admits()) return app(req, res);
    res.writeHead(status, { ...fixed, [CORRELATION_HEADER]: correlationIdFor(req) }).end(text);
  };
}

function normalized(request: string): string {
  const [method, url] = request.split(' ');
  return nameOf({ method, url } as IncomingMessage);
}

/** As routes are matched: without the query, regardless of case and of a slash at the end. */
function nameOf({ method, url = '/' }: IncomingMessage): string {
  const [path = '/'] = url.toLowerCase().split('?', 1);
  return `${method} ${path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path}`;
}
