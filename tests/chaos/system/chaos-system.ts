import { join } from 'node:path';
import {
  createTestMailServer,
  startTestBroker,
  startTestPostgres,
  type TestBroker,
  type TestMailServer,
  type TestPostgres,
} from '@warren/testing';
import { INITIAL_STOCK } from '../load/products.ts';
import { type Management, openManagement } from './management.ts';
import { type Observer, openObserver } from './observer.ts';
import { type Instances, type ServiceInstance, type ServiceName, startServiceInstance } from './service-instance.ts';

/** The system under test, as processes: its own broker, database and mail server, and each service behind its own two proxies. */
export interface ChaosSystem {
  broker: TestBroker;
  postgres: TestPostgres;
  management: Management;
  observer: Observer;
  mailServer: TestMailServer;
  /** `ORDER_DEADLINE_MS`, as the order services run. */
  deadlineMs: number;
  /** All instances of all services. */
  services: readonly ServiceInstance[];
  /** The instances of one service; none where it does not run. */
  instancesOf(service: ServiceName): ServiceInstance[];
  /** Stops everything. Safe to call while something is still starting. */
  close(): Promise<void>;
}

export interface ChaosSystemOptions {
  instances: Instances;
  /** Name of the mechanism that the services run without (see mechanisms.mjs). */
  without?: string;
  /** For files of the run. */
  directory: string;
  /** Heartbeats, retries, deadlines and an archive of seconds, so that many faults fit into a run; false: the services' defaults. */
  hurried: boolean;
  /** Aborts the start. */
  signal: AbortSignal;
}

const HURRIED_ENV = {
  RETRY_BASE_MS: '250',
  BREAKER_RESET_MS: '2000',
  // Longer than most faults and shorter than some: both an answer in time and a late one are common.
  ORDER_DEADLINE_MS: '10000',
  // Each look of the archive, at least one at every start of a service, finds something; late cancellations find archived orders.
  STREAM_KEEP_MS: '1000',
  PAYMENT_GATEWAY_TIMEOUT_MS: '500',
  // Some customers are no users: their mails are to be done with when the run ends.
  MAIL_PATIENCE_MS: '4000',
};

const DEFAULT_DEADLINE_MS = 60_000;
/** Scenarios promise that every order is answered 201, however slow the machine is. */
const PATIENT_ENV = { SHED_ABOVE_MS: '0' };

const SERVICE_ENV = {
  LOG_LEVEL: 'warn',
  INITIAL_STOCK: [...INITIAL_STOCK].map(([product, quantity]) => `${product}:${quantity}`).join(','),
};

export async function startChaosSystem(options: ChaosSystemOptions): Promise<ChaosSystem> {
  const { instances, without, directory, hurried, signal } = options;
  const undo: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  const started = async <Part extends { close(): Promise<unknown> }>(part: Promise<Part>): Promise<Part> => {
    const one = await part;
    undo.push(() => one.close());
    signal.throwIfAborted();
    return one;
  };
  try {
    const [broker, postgres] = await Promise.all([started(startTestBroker()), started(startTestPostgres())]);
    const observer = await started(openObserver(broker.amqpUrl));
    const mailServer = await createTestMailServer();
    undo.push(() => mailServer.stop());
    const here = (file: string) => join(import.meta.dirname, file);
    const preload = [here('crash-points.mjs'), ...(without === undefined ? [] : [here('without-mechanism.mjs')])];
    const env = {
      ...SERVICE_ENV,
      SMTP_URL: mailServer.url,
      PAYMENTS: instances.payment ? 'on' : 'off',
      ...(hurried ? HURRIED_ENV : PATIENT_ENV),
      ...(without !== undefined && { WARREN_CHAOS_WITHOUT: without }),
    };
    const shared = {
      amqpUrl: broker.amqpUrl,
      databaseUrl: postgres.url,
      env,
      preload,
      directory,
      heartbeatSeconds: hurried ? 1 : 10,
    };
    const wanted = Object.entries(instances) as [ServiceName, number][];
    const starting = wanted.flatMap(([service, count]) =>
      Array.from({ length: count }, (_, index) =>
        started(startServiceInstance({ ...shared, service, name: `${service}-${index + 1}` })),
      ),
    );
    const services = await Promise.all(starting);
    await Promise.all(services.map((service) => service.process.waitUntilReady()));
    return {
      broker,
      postgres,
      management: openManagement(broker.managementUrl),
      observer,
      mailServer,
      deadlineMs: hurried ? Number(HURRIED_ENV.ORDER_DEADLINE_MS) : DEFAULT_DEADLINE_MS,
      services,
      instancesOf: (service) => services.filter((one) => one.service === service),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
