import { DEAD_LETTER_EXCHANGE, deadLetterQueue } from '@warren/contracts';
import { decodeUrlPart } from '@warren/kernel';
import { readTopologies } from '@warren/service';
import { addressOf, hostOf, managementUrl } from './addresses.ts';
import { cliErrors } from './cli-errors.ts';
import type { Terminal } from './terminal.ts';

const TIMEOUT_MS = 10_000;
const SUFFIX = deadLetterQueue('');
const NOTE =
  'warren: looking only at the queues of the services of this checkout: set MANAGEMENT_URL, or name one with --queue\n';

/**
 * The queues whose dead letters a command processes: the named queue, by its own name or that of its dead-letter queue; otherwise all that
 * have a dead-letter queue, including those of services unknown to this command. Only the management API can list those. If its address is
 * unknown, they are the queues in the services' topologies, and a note on standard error says so.
 * @throws `CLI_UNREACHABLE`, `CLI_ADDRESS_UNKNOWN`
 */
export async function queuesOf(named: string | undefined, { env, err, services }: Terminal): Promise<string[]> {
  if (named !== undefined) return [withoutSuffix(named)];
  const known = readTopologies(services).flatMap(({ queues }) => queues.map(({ queue }) => queue));
  const url = managementUrl(env);
  if (url === undefined) {
    err(NOTE);
    return known;
  }
  const found = await queuesWithDeadLetters(url, addressOf('broker', env));
  return [...known.filter((queue) => found.includes(queue)), ...found.filter((queue) => !known.includes(queue)).sort()];
}

const withoutSuffix = (name: string) => (name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : name);

interface BindingReport {
  destination: string;
  routing_key: string;
}

/**
 * The queues with dead letters of a Warren system, in the virtual host of the AMQP URL: those for which a queue of the right name is bound to
 * the dead-letter exchange. A queue whose name merely ends in `.dlq` may belong to another system.
 */
async function queuesWithDeadLetters(url: string, amqpUrl: string): Promise<string[]> {
  const broker = new URL(amqpUrl);
  const api = new URL(url);
  const { username, password } = api.username === '' ? broker : api;
  const login = `${decodeUrlPart(username)}:${decodeUrlPart(password)}`;
  const headers = { authorization: `Basic ${Buffer.from(login).toString('base64')}`, connection: 'close' };
  const vhost = encodeURIComponent(decodeUrlPart(broker.pathname.slice(1)) || '/');
  const base = `${api.origin}${api.pathname.replace(/\/$/, '')}/api`;
  const unreachable = (why: string, cause?: Error) =>
    cliErrors.CLI_UNREACHABLE(`cannot list the queues by the management API at ${hostOf(url)}: ${why}`, { cause });
  try {
    const target = `${base}/exchanges/${vhost}/${DEAD_LETTER_EXCHANGE}/bindings/source`;
    const answer = await fetch(target, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    // No service has been started on this broker yet.
    if (answer.status === 404) return [];
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
    const bindings = (await answer.json()) as BindingReport[];
    return bindings
      .filter(({ destination, routing_key: queue }) => destination === deadLetterQueue(queue))
      .map(({ routing_key: queue }) => queue);
  } catch (error) {
    const { cause, message } = error as Error;
    throw unreachable((cause as Error | undefined)?.message || message, error as Error);
  }
}
