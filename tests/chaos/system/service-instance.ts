import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { createTcpProxy, type ServiceProcess, startServiceProcess, type TcpProxy } from '@warren/testing';

/** The points at which a service can be made to crash: see crash-points.mjs. */
export const CRASH_POINTS = [
  'before-commit',
  'after-commit',
  'before-publish',
  'after-publish',
  'after-confirm',
  'before-cursor',
  'after-cursor',
  'after-mail',
  'before-ack',
  'after-ack',
] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

/** The services that the suite knows how to hurt and to judge. */
export type ServiceName = 'order' | 'inventory' | 'user' | 'payment' | 'notification' | 'analytics';

/** How many of each service run; none of those that are not named. */
export type Instances = Readonly<Partial<Record<ServiceName, number>>>;

/** A running service that can be killed, frozen and cut off. It is restarted when it ends by itself, as an orchestrator would do. */
export interface ServiceInstance {
  /** E.g. `order-1`. */
  readonly name: string;
  readonly service: ServiceName;
  readonly process: ServiceProcess;
  readonly brokerLink: TcpProxy;
  readonly databaseLink: TcpProxy;
  /** When its process ended, each time, for whatever reason, in milliseconds since 1970. */
  readonly ends: readonly number[];
  /** How it ended without being told to, each time. */
  readonly ownExits: readonly string[];
  /** Whether its relay is the one that publishes, as far as it can tell within a second. */
  publishes(): Promise<boolean>;
  /** SIGKILL, then a restart after this many milliseconds. */
  kill(downMs: number): Promise<void>;
  /** SIGTERM, then a restart after this many milliseconds. Returns how it ended. */
  terminate(downMs: number): Promise<string>;
  /** SIGSTOP, then SIGCONT after this many milliseconds. */
  freeze(frozenMs: number): Promise<void>;
  /** Makes it crash when it reaches the point for the count-th time, and restarts it. False if that did not happen in time. */
  crashAt(point: CrashPoint, count: number): Promise<boolean>;
  close(): Promise<void>;
}

export interface ServiceInstanceOptions {
  name: string;
  service: ServiceName;
  amqpUrl: string;
  databaseUrl: string;
  env: Record<string, string>;
  /** Modules to load into it before it starts. */
  preload: readonly string[];
  /** For its files. */
  directory: string;
  /** A connection that is silent for two to three heartbeats counts as lost, in seconds. */
  heartbeatSeconds: number;
}

const CRASH_PATIENCE_MS = 4000;
const RESTART_MS = 300;

export async function startServiceInstance(options: ServiceInstanceOptions): Promise<ServiceInstance> {
  const { name, service, amqpUrl, databaseUrl, env, preload, directory, heartbeatSeconds } = options;
  const brokerLink = await createTcpProxy(amqpUrl);
  const databaseLink = await createTcpProxy(databaseUrl);
  const crashFile = join(directory, `${name}.crash`);
  const process = await startServiceProcess({
    service,
    waitUntilReady: false,
    env: {
      ...env,
      AMQP_URL: `${brokerLink.through(amqpUrl)}?heartbeat=${heartbeatSeconds}`,
      DATABASE_URL: databaseLink.through(databaseUrl),
      WARREN_CHAOS_CRASH_FILE: crashFile,
      NODE_OPTIONS: preload.map((path) => `--import ${pathToFileURL(path)}`).join(' '),
    },
  });
  const ends: number[] = [];
  const ownExits: string[] = [];
  let expected = false;
  watch();

  function watch(): void {
    const { exited } = process;
    void exited.then(async ({ code, signal }) => {
      ends.push(Date.now());
      if (expected) return;
      ownExits.push(`${name} ended by itself: ${signal ?? `exit code ${code}`}; ${process.output.at(-1) ?? ''}`);
      await pause(RESTART_MS);
      if (!expected) await start();
    });
  }

  async function start(): Promise<void> {
    await process.start();
    expected = false;
    watch();
  }

  async function end<Result>(how: () => Promise<Result>, downMs: number): Promise<Result> {
    expected = true;
    const result = await how();
    await pause(downMs);
    await start();
    return result;
  }

  return {
    name,
    service,
    process,
    brokerLink,
    databaseLink,
    ends,
    ownExits,
    publishes: () => relayLeads(process.url),
    kill: async (downMs) => void (await end(() => process.kill(), downMs)),
    async terminate(downMs) {
      const { code, signal } = await end(() => process.stop(), downMs);
      return signal ?? `exit code ${code}`;
    },
    async freeze(frozenMs) {
      process.signal('SIGSTOP');
      await pause(frozenMs);
      process.signal('SIGCONT');
    },
    async crashAt(point, count) {
      await writeFile(crashFile, `${point} ${count}`);
      expected = true;
      process.signal('SIGUSR2');
      const crashed = await Promise.race([
        process.exited.then(({ signal }) => signal === 'SIGKILL'),
        pause(CRASH_PATIENCE_MS, false),
      ]);
      // Never reached, it dies now: an armed point must not stay behind.
      await process.kill();
      await start();
      return crashed;
    },
    async close() {
      expected = true;
      await process.kill();
      await Promise.all([brokerLink.close(), databaseLink.close()]);
    },
  };
}

async function relayLeads(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(1000) });
    const { components } = (await response.json()) as { components?: { relay?: { details?: { state?: string } } } };
    return components?.relay?.details?.state === 'leading';
  } catch {
    // It is down, frozen or just starting.
    return false;
  }
}
