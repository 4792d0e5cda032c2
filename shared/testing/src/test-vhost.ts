import { type TestEnvironment, testEnvironment, uniqueName } from './test-environment.ts';

/** What the management API tells of a queue; the members that tests look at. */
export interface QueueReport {
  name: string;
  type: string;
  arguments: Record<string, unknown>;
  messages?: number;
  messages_ready?: number;
  messages_unacknowledged?: number;
  consumers?: number;
}

/**
 * A virtual host of the test broker for one suite alone, so that it may use the system's own queue names. Empty, it stays until the broker
 * of the run is thrown away: on RabbitMQ 3.10 deleting one soon after queues with at-least-once dead letters were declared in it ends the broker's
 * supervisor of those (`rabbit_fifo_dlx_sup`, `reached_max_restart_intensity`), and every later declaration fails with 541.
 */
export interface TestVhost {
  name: string;
  amqpUrl: string;
  /**
   * Calls the management API, e.g. `management('GET', 'queues')` for `/api/queues/<this vhost>`; `path` may start with `/` to leave the vhost out.
   * @throws on any answer of 400 or more.
   */
  management<Answer = unknown>(method: string, path: string, body?: unknown): Promise<Answer>;
  queues(): Promise<QueueReport[]>;
  /**
   * Lets the broker delete its queues a little later, but not streams. Each quorum queue keeps the broker busy, half a millisecond of CPU a
   * second, for as long as it exists, used or not. Nothing may use the vhost any more.
   */
  close(): Promise<void>;
}

/** Not at once: RabbitMQ 3.10 survives the deletion of few queues that have only just been declared. */
const FORGET_QUEUES = { pattern: '.*', 'apply-to': 'queues', priority: 1000, definition: { expires: 4000 } };

/** Creates a virtual host with full rights for the test user. */
export async function createTestVhost(
  environment: Pick<TestEnvironment, 'amqpUrl' | 'managementUrl'> = testEnvironment(),
): Promise<TestVhost> {
  const { amqpUrl, managementUrl } = environment;
  const name = uniqueName('vhost');
  const url = new URL(amqpUrl);
  url.pathname = `/${name}`;
  const api = new URL(managementUrl);
  const authorization = `Basic ${Buffer.from(`${api.username}:${api.password}`).toString('base64')}`;

  async function management<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const [resource, ...rest] = path.split('/');
    const target = path.startsWith('/') ? path : `/${[resource, name, ...rest].join('/')}`;
    const response = await fetch(`${api.origin}/api${target}`, {
      method,
      // A connection that is kept may be closed by the broker just as it is used again.
      headers: { authorization, 'content-type': 'application/json', connection: 'close' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} /api${target}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as Answer;
  }

  await management('PUT', `/vhosts/${name}`);
  await management('PUT', `/permissions/${name}/${decodeURIComponent(url.username)}`, {
    configure: '.*',
    write: '.*',
    read: '.*',
  });
  return {
    name,
    amqpUrl: url.href,
    management,
    queues: () => management<QueueReport[]>('GET', 'queues'),
    close: () => management('PUT', 'policies/forget-queues', FORGET_QUEUES),
  };
}
