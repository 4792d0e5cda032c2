import { chooseBrokerSource, createCredentials, findFreePort } from '@warren/servers';
import { createTestDirectory } from './test-directory.ts';

/** A broker of a test's own, which it may stop, kill and start again. Its URLs and its data stay the same all the while. */
export interface TestBroker {
  amqpUrl: string;
  /** The management plugin's API with its login. */
  managementUrl: string;
  /** Process id of the broker that runs now, also id of its process group: `process.kill(-pid, 'SIGSTOP')` freezes it. */
  readonly pid: number;
  /** Starts it after `stop` or `kill`; resolves when it takes connections, after about 5 seconds. */
  start(): Promise<void>;
  /** Shuts it down in good order, which takes RabbitMQ about 6 seconds. */
  stop(): Promise<void>;
  /** Ends it as a crash does (SIGKILL), at once. */
  kill(): Promise<void>;
  /** Runs `rabbitmqctl` on it, e.g. `control(['set_vm_memory_high_watermark', '0.4'])`, and gives its output. @throws when that fails */
  control(args: string[]): Promise<string>;
  /**
   * Lets it write down which queues it has. RabbitMQ 3.10 does so when half a second has passed without a declaration; a broker that is
   * killed before that may come back with a queue that has no leader, and that only deleting mends.
   */
  sync(): Promise<void>;
  /** Ends it for good and removes its data. Safe to call twice. */
  close(): Promise<void>;
}

export interface TestBrokerOptions {
  /** Refreshes statistics twice a second, for tests that look at them. Off, the broker works as in production: every five seconds. @default true */
  quick?: boolean;
}

/**
 * Starts a RabbitMQ node apart from that of the run, by the same means as `npm start`. It ends with the test process at the latest.
 * @throws when the machine has neither a `rabbitmq-server` nor Docker
 */
export async function startTestBroker({ quick = true }: TestBrokerOptions = {}): Promise<TestBroker> {
  const source = await chooseBrokerSource({ env: process.env });
  const directory = await createTestDirectory('broker');
  const ports = {
    amqp: await findFreePort(),
    management: await findFreePort(),
    distribution: await findFreePort(),
    epmd: await findFreePort(),
  };
  const { id } = createCredentials();
  const login = { user: 'warren', password: 'warren' };
  const start = () => source.start({ dataDir: directory.path, id, ports, login, quick, env: process.env });
  let node = await start();
  return {
    amqpUrl: node.amqpUrl,
    managementUrl: node.managementUrl,
    get pid() {
      return node.child.pid;
    },
    async start() {
      node = await start();
    },
    stop: () => node.stop(),
    kill: () => node.kill(),
    control: (args) => node.control(args),
    async sync() {
      await node.control(['eval', '[ok = dets:sync(Table) || Table <- dets:all()].']);
    },
    async close() {
      await node.kill();
      await source.discard(id);
      await directory.remove();
    },
  };
}
