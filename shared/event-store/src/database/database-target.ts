import { decodeUrlPart } from '@warren/kernel';
import type { ClientConfig } from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';

/**
 * Splits a Postgres URL into pg's connection options, including those of its query. Decodes the parts here, because pg leaves `%23`, `%2F` and
 * the like in the database name, and decodes nothing at all in a URL that also has a space or a bare `%`.
 * @throws `CONFIG_INVALID` when a part of the URL cannot be decoded
 */
export function databaseTargetOf(url: string): ClientConfig {
  const target = new URL(url);
  const database = decodeUrlPart(target.pathname.slice(1));
  target.username = encodeURIComponent(decodeUrlPart(target.username));
  target.password = encodeURIComponent(decodeUrlPart(target.password));
  target.pathname = encodeURIComponent(database);
  return { ...parseIntoClientConfig(target.href), ...(database !== '' && { database }) };
}
