import { decodeUrlPart } from '@warren/kernel';
import type { Options } from 'amqplib';

/** What the query of an AMQP URL may hold: https://www.rabbitmq.com/docs/uri-query-parameters, as far as amqplib knows it. */
const NUMBERS = ['heartbeat', 'frameMax', 'channelMax', 'maxFrameSize'] as const;

/**
 * An AMQP URL in the parts that amqplib connects with. Decoded here, because amqplib decodes user and password byte by byte, which breaks
 * everything beyond ASCII. Without a login it is that of `guest`, without a virtual host it is `/`.
 * @param defaults `heartbeatSeconds` is used when the URL has no `heartbeat`. @default 10
 * @throws `CONFIG_INVALID` when a part of the URL cannot be decoded
 */
export function amqpTargetOf(url: string, { heartbeatSeconds = 10 } = {}): Options.Connect {
  const { protocol, hostname, port, username, password, pathname, searchParams } = new URL(url);
  const hasLogin = username !== '' || password !== '';
  const given = NUMBERS.filter((name) => searchParams.has(name));
  return {
    protocol: protocol.slice(0, -1),
    // The brackets of an IPv6 address belong to the URL.
    hostname: decodeUrlPart(hostname.replace(/^\[|\]$/g, '')),
    port: port === '' ? undefined : Number(port),
    ...(hasLogin && { username: decodeUrlPart(username), password: decodeUrlPart(password) }),
    // The one part that amqplib decodes here as well.
    vhost: encodeURIComponent(decodeUrlPart(pathname.slice(1)) || '/'),
    locale: searchParams.get('locale') ?? undefined,
    heartbeat: heartbeatSeconds,
    ...Object.fromEntries(given.map((name) => [name, Number(searchParams.get(name))])),
  };
}
