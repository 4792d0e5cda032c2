import { type Child, type Exit, findFreePort, startService, waitUntilServing } from '@warren/servers';

export interface ServiceProcessOptions {
  /** The service's folder in `services/` of the working directory, e.g. `maps`. It also names the setting of the port: `MAPS_PORT`. */
  service: string;
  /** Settings of the service, e.g. `AMQP_URL` and `DATABASE_URL`. Each overrides that of the test's environment. */
  env: Record<string, string>;
  /** @default a free port, which stays the same across restarts */
  port?: number;
  /** Number of processes behind the port. @default 1 */
  instances?: number;
  /** Whether to wait until `/health/ready` says `ready`. Turn it off if the test's broker or database is down. @default true */
  waitUntilReady?: boolean;
  /** Keeps at least this many of the latest lines of output, and at most twice as many. @default all */
  maxOutput?: number;
}

/** A service that runs as in production: a separate process, from `dist/`. */
export interface ServiceProcess {
  /** Base URL of its HTTP port, e.g. `http://127.0.0.1:23456`. */
  url: string;
  port: number;
  /** Id of the current process. */
  readonly pid: number;
  /** All lines written to standard output and standard error so far, across restarts. */
  readonly output: readonly string[];
  /** Starts the service after `stop` or `kill`, with the same port and settings. The given settings change from now on. */
  start(changed?: Record<string, string>): Promise<void>;
  /** Resolves when `/health/ready` says `ready`. @throws when the process ends or is not ready in time (default 60 s), with its last output */
  waitUntilReady(timeoutMs?: number): Promise<void>;
  /** Sends SIGTERM and resolves with the exit status (a clean drain: `{ code: 0, signal: null }`). Kills the process 10 s after its `SHUTDOWN_DELAY_MS` and `DRAIN_TIMEOUT_MS`. Safe to call twice. */
  stop(): Promise<Exit>;
  /** Ends the process like a crash (SIGKILL). */
  kill(): Promise<Exit>;
  /** Sends any signal, e.g. SIGSTOP and SIGCONT. */
  signal(name: NodeJS.Signals): void;
  /** Resolves when the current process ends by itself. */
  readonly exited: Promise<Exit>;
}

/** Starts a service the same way as `npm start`. The service ends with the test process at the latest, but a test should stop it. */
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
