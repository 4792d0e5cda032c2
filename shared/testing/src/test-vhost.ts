import { type TestEnvironment, testEnvironment, uniqueName } from './test-environment.ts';

/** A queue as the management API reports it, reduced to the members that tests check. */
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
 * A virtual host of the test broker for one suite, so that the suite can use the system's own queue names. Empty vhosts stay until the broker of
 * the run is removed. On RabbitMQ 3.10, deleting a vhost soon after declaring queues with at-least-once dead letters in it ends the broker's
 * supervisor of these (`rabbit_fifo_dlx_sup`, `reached_max_restart_intensity`), and every later declaration fails with 541.
 */
export interface TestVhost {
  name: string;
  amqpUrl: string;
  /**
   * Calls the management API, e.g. `management('GET', 'queues')` for `/api/queues/<this vhost>`; `path` may start with `/` to leave the vhost out.
   * @throws on a status of 400 or above
   */
  management<Answer = unknown>(method: string, path: string, body?: unknown): Promise<Answer>;
  queues(): Promise<QueueReport[]>;
  /**
   * Lets the broker delete the vhost's queues, but not its streams, a little later. Each quorum queue costs the broker half a millisecond of CPU
   * per second for as long as it exists, used or not. Do not use the vhost after this.
   */
  close(): Promise<void>;
}

/** Not immediate: RabbitMQ 3.10 may crash when many queues are deleted right after their declaration. */
const FORGET_QUEUES = { pattern: '.*', 'apply-to': 'queues', priority: 1000, definition: { expires: 4000 } };

/** Creates a virtual host with full permissions for the test user. */
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
      // The broker may close a kept-alive connection just as it is reused.
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
