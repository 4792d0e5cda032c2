import { defineErrors } from '@warren/kernel';

/** Errors of requests before they reach a service, and of the server itself. */
export const httpErrors = defineErrors({
  ROUTE_NOT_FOUND: { kind: 'not-found', meaning: 'Nothing exists under this path.' },
  METHOD_NOT_ALLOWED: {
    kind: 'invalid',
    meaning: 'The path exists, but does not support this method. The `Allow` header lists the methods it supports.',
  },
  REQUEST_MALFORMED: {
    kind: 'invalid',
    meaning: 'The request line cannot be parsed, for instance because of an invalid percent sign in the path.',
  },
  REQUEST_INVALID: {
    kind: 'invalid',
    meaning: 'The request is readable but not valid. `errors` lists every fault with its location.',
  },
  REQUEST_ABORTED: { kind: 'invalid', meaning: 'The client disconnected before it had sent the whole body.' },
  BODY_MALFORMED: {
    kind: 'invalid',
    meaning: 'The body is not unambiguous JSON: see `detail` for the location.',
  },
  BODY_TOO_LARGE: { kind: 'invalid', meaning: 'The body is larger than this path accepts. Send less at once.' },
  MEDIA_TYPE_UNSUPPORTED: {
    kind: 'invalid',
    meaning: 'The body is not uncompressed `application/json` in UTF-8, or its `Content-Type` does not say so.',
  },
  OVERLOADED: {
    kind: 'transient',
    meaning:
      'The service has more new work than it can do in time (SHED_ABOVE_MS). Nothing was stored: send the request again after `Retry-After`.',
  },
  PORT_TAKEN: {
    kind: 'fault',
    meaning:
      'The server cannot listen on its port: another process uses it, or the server lacks permission. Choose another port.',
  },
});
