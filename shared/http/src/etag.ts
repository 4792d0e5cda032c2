/** The ETag of a versioned resource. Once it is set on a GET, Express itself responds 304 when `If-None-Match` matches. */
export const etagOf = ({ version }: { version: number }): string => `"${version}"`;
