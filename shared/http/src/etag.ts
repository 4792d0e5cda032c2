/** The ETag of something that has a version. Set it on a GET, and Express answers 304 by itself when `If-None-Match` names it. */
export const etagOf = ({ version }: { version: number }): string => `"${version}"`;
