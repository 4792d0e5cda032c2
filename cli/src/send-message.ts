import { setTimeout as delay } from 'node:timers/promises';
import { type Binding, createCatalogue, type EventContract, type EventEnvelope, type EventOf } from '@warren/contracts';
import { EventBus } from '@warren/event-bus';
import { queuesFor, readTopologies } from '@warren/service';
import { addressOf, hostOf } from './addresses.ts';
import { cliErrors } from './cli-errors.ts';
import type { Terminal } from './terminal.ts';

const NAME = 'warren-cli';

const CONNECT_TIMEOUT_MS = 5_000;
const CONFIRM_TIMEOUT_MS = 10_000;
const FIRST_PAUSE_MS = 100;

/**
 * Sends a message, such as a command to a service, and waits for the broker's confirm. Declares the queues of the message first, so that it
 * is kept even if their services have never been started.
 * @throws the error of `Catalogue.parse` for a message that its consumers would refuse; `CLI_ADDRESS_UNKNOWN`, `CLI_UNREACHABLE`,
 * `CLI_NOT_PUBLISHED`, `CLI_PUBLISH_UNKNOWN`
 */
export async function sendMessage<Contract extends EventContract>(
  { env, services }: Pick<Terminal, 'env' | 'services'>,
  contract: Contract,
  message: EventOf<Contract>,
): Promise<void> {
  const catalogue = createCatalogue([contract]);
  catalogue.parse(message);
  const amqpUrl = addressOf('broker', env);
  const takesIt = ({ exchange, routingKey }: Binding) =>
    exchange === contract.exchange && routingKey === contract.routingKey;
  const bus = new EventBus({
    url: amqpUrl,
    service: NAME,
    // Streams too, because they keep everything.
    topology: queuesFor(readTopologies(services), { service: NAME }).filter(
      ({ stream, bindings }) => stream || bindings.some(takesIt),
    ),
    publishTimeoutMs: CONFIRM_TIMEOUT_MS,
    drainTimeoutMs: 0,
    catalogue,
  });
  try {
    await connect(bus, amqpUrl);
    await publish(bus, message, { host: hostOf(amqpUrl) });
  } finally {
    await bus.close();
  }
}

/**
 * Publishes the message, and again under the same id until the broker accepts it: the inbox of the service drops duplicates.
 * @throws `CLI_NOT_PUBLISHED` when the broker has no copy, `CLI_PUBLISH_UNKNOWN` when it may have one
 */
export async function publish(
  bus: Pick<EventBus, 'tryPublish'>,
  message: EventEnvelope,
  { host, pause = delay, now = Date.now }: { host: string; pause?: (ms: number) => Promise<void>; now?: () => number },
): Promise<void> {
  const deadline = now() + CONFIRM_TIMEOUT_MS;
  let mayHaveIt = false;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
    const outcome = await bus.tryPublish(message);
    if (outcome.status === 'confirmed') return;
    // One queue has refused the message, but another may have it.
    mayHaveIt ||= outcome.status === 'unknown' || outcome.status === 'nacked';
    if (outcome.status === 'returned' || outcome.status === 'unsendable' || now() > deadline) {
      if (!mayHaveIt)
        throw cliErrors.CLI_NOT_PUBLISHED(`the broker at ${host} did not take the message: ${outcome.reason}`);
      throw cliErrors.CLI_PUBLISH_UNKNOWN(
        `the broker at ${host} may have the message: ${outcome.reason}. Run the command again with --id ${message.id}: all copies count as one.`,
      );
    }
    await pause(pauseMs);
  }
}

async function connect(bus: EventBus, amqpUrl: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const failure = bus.health().details?.failure;
      const why = typeof failure === 'string' ? failure : `no answer within ${CONNECT_TIMEOUT_MS / 1000} s`;
      reject(cliErrors.CLI_UNREACHABLE(why));
    }, CONNECT_TIMEOUT_MS);
  });
  try {
    await Promise.race([bus.connect(), late]);
  } catch (error) {
    const why = (error as Error).message;
    throw cliErrors.CLI_UNREACHABLE(`cannot reach the broker at ${hostOf(amqpUrl)}: ${why}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
