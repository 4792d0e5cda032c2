import { decodeUrlPart } from '@warren/kernel';
import type { ClientConfig } from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';

/**
 * A Postgres URL in the parts that pg connects with, its query included. Decoded here, because pg leaves `%23`, `%2F`, and the like in the name of
 * the database as they are, and decodes nothing at all in a URL that also has a space or a bare `%`.
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
