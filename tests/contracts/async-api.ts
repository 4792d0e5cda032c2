import { type EventContract, type JsonSchema, type QueueSpec, toJsonSchema, versionsOf } from '@warren/contracts';
import { topicMatches } from '@warren/event-bus';

export interface AsyncApiOptions {
  /** The latest version of each message; earlier ones are described with it. */
  contracts: readonly EventContract[];
  /** Who listens to what. */
  queues: readonly QueueSpec[];
  /** Release that the document describes. */
  version: string;
}

/** The messages of the whole system as an AsyncAPI 3.0 document: a channel per address, a `receive` operation per queue. */
export function createAsyncApi({ contracts, queues, version }: AsyncApiOptions): JsonSchema {
  const channels = new Map(contracts.map((contract) => [addressOf(contract), contract]));
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Warren',
      version,
      description:
        'Every message that the services exchange over RabbitMQ, at least once: a consumer drops what it has handled by the id. ' +
        'Generated from services/events by `npm run generate`.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries([...channels].map(([key, contract]) => [key, channelOf(contract, contracts)])),
    operations: Object.fromEntries([
      ...[...channels.keys()].map((key) => [`publish.${key}`, operation('send', key)]),
      ...queues.flatMap((queue) => receiving(queue, [...channels.values()])),
    ]),
    components: { messages: Object.fromEntries(allVersions(contracts).map((one) => [nameOf(one), messageOf(one)])) },
  };
}

/** `OrderCreated.v2`: the name of a version of an event in files and documents. */
export const nameOf = ({ type, version }: EventContract): string => `${type}.v${version}`;

/** Each contract with its earlier versions, the newest first. */
export const allVersions = (contracts: readonly EventContract[]): EventContract[] => contracts.flatMap(versionsOf);

const addressOf = ({ exchange, routingKey }: EventContract): string => `${exchange}.${routingKey}`;

function channelOf(contract: EventContract, contracts: readonly EventContract[]): JsonSchema {
  const { exchange, routingKey } = contract;
  const carried = allVersions(contracts).filter((one) => addressOf(one) === addressOf(contract));
  return {
    address: routingKey,
    messages: Object.fromEntries(carried.map((one) => [nameOf(one), ref('components', 'messages', nameOf(one))])),
    bindings: {
      amqp: {
        is: 'routingKey',
        exchange: { name: exchange, type: 'topic', durable: true, autoDelete: false },
        bindingVersion: '0.3.0',
      },
    },
  };
}

/** A queue that is bound to several addresses has an operation for each. */
function receiving({ queue, bindings }: QueueSpec, contracts: readonly EventContract[]): [string, JsonSchema][] {
  const isBound = ({ exchange, routingKey }: EventContract) =>
    bindings.some((binding) => binding.exchange === exchange && topicMatches(binding.routingKey, routingKey));
  const keys = contracts.filter(isBound).map(addressOf);
  const name = (key: string) => (keys.length === 1 ? queue : `${queue}.${key}`);
  return keys.map((key) => [name(key), { ...operation('receive', key), summary: `The queue ${queue}.` }]);
}

const operation = (action: 'send' | 'receive', channel: string): JsonSchema => ({
  action,
  channel: ref('channels', channel),
});

function messageOf(contract: EventContract): JsonSchema {
  const { $schema, title, description, ...payload } = toJsonSchema(contract);
  return {
    name: contract.type,
    title,
    ...(description !== undefined && { summary: description }),
    contentType: 'application/json',
    correlationId: { location: '$message.payload#/metadata/correlationId' },
    payload,
    bindings: { amqp: { messageType: contract.type, bindingVersion: '0.3.0' } },
  };
}

const ref = (...path: string[]): JsonSchema => ({ $ref: `#/${path.join('/')}` });
