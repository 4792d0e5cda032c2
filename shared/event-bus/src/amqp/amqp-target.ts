import { decodeUrlPart } from '@warren/kernel';
import type { Options } from 'amqplib';

/** The query parameters of an AMQP URL that amqplib supports: https://www.rabbitmq.com/docs/uri-query-parameters. */
const NUMBERS = ['heartbeat', 'frameMax', 'channelMax', 'maxFrameSize'] as const;

/**
 * Splits an AMQP URL into amqplib's connection options. Decodes it here, because amqplib decodes user and password byte by byte, which
 * breaks non-ASCII text. Without a login the user is `guest`; without a virtual host it is `/`.
 * @param defaults `heartbeatSeconds` is used when the URL has no `heartbeat`. @default 10
 * @throws `CONFIG_INVALID` when a part of the URL cannot be decoded
 */
export function amqpTargetOf(url: string, { heartbeatSeconds = 10 } = {}): Options.Connect {
  const { protocol, hostname, port, username, password, pathname, searchParams } = new URL(url);
  const hasLogin = username !== '' || password !== '';
  const given = NUMBERS.filter((name) => searchParams.has(name));
  return {
    protocol: protocol.slice(0, -1),
    // The brackets of an IPv6 address belong to the URL, not to the host name.
    hostname: decodeUrlPart(hostname.replace(/^\[|\]$/g, '')),
    port: port === '' ? undefined : Number(port),
    ...(hasLogin && { username: decodeUrlPart(username), password: decodeUrlPart(password) }),
    // The only part that amqplib decodes even here.
    vhost: encodeURIComponent(decodeUrlPart(pathname.slice(1)) || '/'),
    locale: searchParams.get('locale') ?? undefined,
    heartbeat: heartbeatSeconds,
    ...Object.fromEntries(given.map((name) => [name, Number(searchParams.get(name))])),
  };
}
