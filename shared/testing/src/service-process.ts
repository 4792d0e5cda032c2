import { type Child, type Exit, findFreePort, startService, waitUntilServing } from '@warren/servers';

export interface ServiceProcessOptions {
  /** Its folder below `services/` of the working directory, e.g. `maps`, which also names the setting of its port: `MAPS_PORT`. */
  service: string;
  /** Its settings, e.g. `AMQP_URL` and `DATABASE_URL`. They replace those of the test's environment one by one. */
  env: Record<string, string>;
  /** @default a free one, the same over restarts */
  port?: number;
  /** Several processes behind the one port. @default 1 */
  instances?: number;
  /** Wait until `/health/ready` says `ready`. Off for a test whose broker or database is away. @default true */
  waitUntilReady?: boolean;
  /** Keep at least so many of the latest lines of output, at most twice as many. @default all */
  maxOutput?: number;
}

/** A service that runs as in production: a process of its own, from `dist/`. */
export interface ServiceProcess {
  /** Where its HTTP port answers, e.g. `http://127.0.0.1:23456`. */
  url: string;
  port: number;
  /** Process id of the one that runs now. */
  readonly pid: number;
  /** Everything it has written to standard output and standard error so far, line by line, over restarts. */
  readonly output: readonly string[];
  /** Starts it after `stop` or `kill`, with the same settings and port, or with some of the settings changed from now on. */
  start(changed?: Record<string, string>): Promise<void>;
  /** Resolves when `/health/ready` says `ready`. @throws when it ended or is not ready in time (default 60 s), with its last words */
  waitUntilReady(timeoutMs?: number): Promise<void>;
  /** Sends SIGTERM and resolves with how it ended (a clean drain: `{ code: 0, signal: null }`); killed 10 s after its `SHUTDOWN_DELAY_MS` and `DRAIN_TIMEOUT_MS`. Safe to call twice. */
  stop(): Promise<Exit>;
  /** Ends it as a crash does (SIGKILL). */
  kill(): Promise<Exit>;
  /** Sends any signal, e.g. SIGSTOP and SIGCONT. */
  signal(name: NodeJS.Signals): void;
  /** Resolves when the one that runs now ends by itself. */
  readonly exited: Promise<Exit>;
}

/** Starts a service by the same means as `npm start`. It ends with the test process at the latest; a test still stops it. */
export async function startServiceProcess(options: ServiceProcessOptions): Promise<ServiceProcess> {
  const { service, instances = 1, waitUntilReady = true, maxOutput = Number.POSITIVE_INFINITY } = options;
  const port = options.port ?? (await findFreePort());
  const portSetting = `${service.replaceAll('-', '_').toUpperCase()}_PORT`;
  const output: string[] = [];
  let env: NodeJS.ProcessEnv = { ...process.env, ...options.env };
  let child: Child;

  function keep(line: string): void {
    if (output.push(line) >= 2 * maxOutput) output.splice(0, output.length - maxOutput);
  }
  async function ready(timeoutMs?: number): Promise<void> {
    const result = await waitUntilServing(child, { port, timeoutMs, instances });
    if (result.ready) return;
    const words = output.slice(-15).join('\n');
    throw new Error(`the ${service} service is not ready, readiness: ${result.seen}, its last words:\n${words}`);
  }
  async function start(changed: Record<string, string> = {}): Promise<void> {
    env = { ...env, ...changed };
    child = await startService({
      name: service,
      main: `services/${service}/dist/main.js`,
      root: process.cwd(),
      env: { ...env, [portSetting]: String(port) },
      instances,
      onLine: keep,
    });
    if (!waitUntilReady) return;
    try {
      await ready();
    } catch (error) {
      await child.kill();
      throw error;
    }
  }

  await start();
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    output,
    get pid() {
      return child.pid;
    },
    get exited() {
      return child.exited;
    },
    start,
    waitUntilReady: ready,
    stop: () => child.stop(),
    kill: () => child.kill(),
    signal: (name) => process.kill(child.pid, name),
  };
}
