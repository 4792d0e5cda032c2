import type { AppError } from '@warren/kernel';
import type { BrokerStatus } from '../broker.ts';
import type { AmqpLink } from './amqp-link.ts';
import type { TopologyKeeper } from './topology-keeper.ts';

type Link = Pick<AmqpLink, 'state' | 'since' | 'failure' | 'blockedBecause'>;

/** What the state of a broker is read from. */
export interface BrokerParts {
  /** Without the login. */
  url: string;
  publishing: Link;
  consuming: Link;
  /** Of the publish channel. */
  keeper: { readonly channel: unknown; readonly failure: AppError | undefined };
  topology: Pick<TopologyKeeper, 'refused' | 'blockingRefusal'>;
}

/** The state of the connections, the publish channel and the topology, for readiness. */
export function brokerStatus(parts: BrokerParts): BrokerStatus {
  const { publishing, consuming, keeper, topology } = parts;
  const failure = publishing.failure ?? keeper.failure ?? consuming.failure;
  const { refused } = topology;
  const down = downReason(parts);
  return {
    up: down === undefined,
    ...down,
    details: {
      publishing: publishing.state === 'connected' && !keeper.channel ? 'no channel' : publishing.state,
      consuming: consuming.state,
      ...(publishing.blockedBecause === undefined ? {} : { blocked: publishing.blockedBecause }),
      ...(failure === undefined ? {} : { failure: `${failure.code}: ${failure.message}` }),
      ...(Object.keys(refused).length === 0 ? {} : { topology: refused }),
    },
  };
}

/** Why the broker is not up; undefined when it is. */
function downReason({ url, publishing, consuming, keeper, topology }: BrokerParts) {
  for (const { state, since, failure, blockedBecause } of [publishing, consuming]) {
    if (state === 'blocked')
      return { reason: `the broker has stopped reading published messages: ${blockedBecause}`, since };
    if (state !== 'connected') return { reason: failure?.message ?? `${url}: not connected yet`, since };
  }
  if (!keeper.channel) return { reason: keeper.failure?.message ?? 'there is no channel to publish on' };
  const refusal = topology.blockingRefusal;
  return refusal && { reason: `${refusal.subject} is refused: ${refusal.error.message}` };
}
