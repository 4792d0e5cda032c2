import { setTimeout as delay } from 'node:timers/promises';
import { shopCatalogue } from '@shop/events/catalogue';
import type { ReceiveStock } from '@shop/events/inventory';
import { QUEUES } from '@shop/events/topology';
import type { EventOf } from '@warren/contracts';
import { EventBus } from '@warren/event-bus';
import { queuesFor, readTopologies } from '@warren/service';
import { hostOf } from './addresses.ts';
import { cliErrors } from './cli-errors.ts';

const NAME = 'warren-cli';
const SERVICES = new URL('../../services/', import.meta.url);

const CONNECT_TIMEOUT_MS = 5_000;
const CONFIRM_TIMEOUT_MS = 10_000;
const FIRST_PAUSE_MS = 100;

/**
 * Sends a message to the inventory service and waits until the broker has it.
 * @throws `CLI_UNREACHABLE`, `CLI_NOT_PUBLISHED`, `CLI_PUBLISH_UNKNOWN`
 */
export async function sendMessage(amqpUrl: string, message: EventOf<typeof ReceiveStock>): Promise<void> {
  const bus = new EventBus({
    url: amqpUrl,
    service: NAME,
    // The queue that the message is for, so that it is kept also when the inventory service has never been started, and streams, which keep everything.
    topology: queuesFor(readTopologies(SERVICES), { service: NAME }).filter(
      ({ queue, stream }) => stream || queue === QUEUES.inventoryReceiveStock,
    ),
    publishTimeoutMs: CONFIRM_TIMEOUT_MS,
    drainTimeoutMs: 0,
    catalogue: shopCatalogue,
  });
  try {
    await connect(bus, amqpUrl);
    await publish(bus, message, { host: hostOf(amqpUrl) });
  } finally {
    await bus.close();
  }
}

/**
 * Publishes again, under the same id, while the broker does not take it: the service's inbox makes one receipt of all copies.
 * @throws `CLI_NOT_PUBLISHED` when the broker has none of them, `CLI_PUBLISH_UNKNOWN` when it may have one
 */
export async function publish(
  bus: Pick<EventBus, 'send'>,
  message: EventOf<typeof ReceiveStock>,
  { host, timeoutMs = CONFIRM_TIMEOUT_MS }: { host: string; timeoutMs?: number },
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let mayHaveIt = false;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
    const outcome = await bus.send(message);
    if (outcome.status === 'confirmed') return;
    // One queue has refused it then; another one may be the inventory's.
    mayHaveIt ||= outcome.status === 'unknown' || outcome.status === 'nacked';
    if (outcome.status === 'returned' || outcome.status === 'unsendable' || Date.now() > deadline) {
      if (!mayHaveIt)
        throw cliErrors.CLI_NOT_PUBLISHED(`the broker at ${host} did not take the message: ${outcome.reason}`);
      throw cliErrors.CLI_PUBLISH_UNKNOWN(
        `the broker at ${host} may have the message: ${outcome.reason}. Say the same again with --id ${message.id}: it is booked once.`,
      );
    }
    await delay(pauseMs);
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
