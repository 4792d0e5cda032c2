import { defineErrors } from '@warren/kernel';

/** What can be wrong with a request before any service looks at it, and with the server itself. */
export const httpErrors = defineErrors({
  ROUTE_NOT_FOUND: { kind: 'not-found', meaning: 'There is nothing under this path.' },
  METHOD_NOT_ALLOWED: {
    kind: 'invalid',
    meaning: 'The path exists, but not for this method. The header `Allow` lists the methods that it has.',
  },
  REQUEST_MALFORMED: {
    kind: 'invalid',
    meaning: 'The request line cannot be read, for instance because of a wrong percent sign in the path.',
  },
  REQUEST_INVALID: {
    kind: 'invalid',
    meaning: 'The request was read and is not valid. `errors` lists every fault with its place.',
  },
  REQUEST_ABORTED: { kind: 'invalid', meaning: 'The client went away before it had sent the whole body.' },
  BODY_MALFORMED: {
    kind: 'invalid',
    meaning: 'The body is not a JSON text that means one thing only: see `detail` for the place.',
  },
  BODY_TOO_LARGE: { kind: 'invalid', meaning: 'The body is larger than this path takes. Send less at once.' },
  MEDIA_TYPE_UNSUPPORTED: {
    kind: 'invalid',
    meaning: 'The body is not uncompressed `application/json` in UTF-8, or does not say so in `Content-Type`.',
  },
  PORT_TAKEN: {
    kind: 'fault',
    meaning: 'The server cannot listen on its port: another process has it, or it may not. Choose another port.',
  },
});
