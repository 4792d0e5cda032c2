import { chooseBrokerSource, createCredentials, findFreePort } from '@warren/servers';
import { createTestDirectory } from './test-directory.ts';

/** A broker for one test, which the test may stop, kill and restart. Its URLs and data stay the same. */
export interface TestBroker {
  amqpUrl: string;
  /** URL of the management plugin's API, with credentials. */
  managementUrl: string;
  /** Process id of the running broker, which is also its process group id: `process.kill(-pid, 'SIGSTOP')` freezes the broker. */
  readonly pid: number;
  /** Starts the broker after `stop` or `kill`; resolves when it accepts connections, after about 5 seconds. */
  start(): Promise<void>;
  /** Shuts the broker down gracefully, which takes RabbitMQ about 6 seconds. */
  stop(): Promise<void>;
  /** Ends the broker at once, like a crash (SIGKILL). */
  kill(): Promise<void>;
  /** Runs `rabbitmqctl` on the broker, e.g. `control(['set_vm_memory_high_watermark', '0.4'])`, and returns its output. @throws when the command fails */
  control(args: string[]): Promise<string>;
  /**
   * Lets the broker persist which queues it has. RabbitMQ 3.10 does so after half a second without a declaration. A broker that is killed
   * earlier may restart with a queue that has no leader, which only deleting the queue fixes.
   */
  sync(): Promise<void>;
  /** Ends the broker for good and removes its data. Safe to call twice. */
  close(): Promise<void>;
}

export interface TestBrokerOptions {
  /** Whether to refresh statistics twice a second, for tests that read them. If false, every five seconds as in production. @default true */
  quick?: boolean;
}

/**
 * Starts a RabbitMQ node separate from the node of the run, the same way as `npm start`. It ends with the test process at the latest.
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
