import type { QueueSpec } from '@warren/contracts';
import { exchangesOf } from './catalogue-of.ts';
import { queueOf } from './create-subscriptions.ts';
import type { DefinedService } from './service-declaration.ts';
import { settingsOf } from './service-settings.ts';

/**
 * What other programs need to know about a service without loading it: `topology.json` in its folder, derived from the declaration. Programs
 * that start, build or deploy services find them by this file.
 */
export interface ServiceTopology {
  service: string;
  /** The setting of its port, and the default port. */
  port: { setting: string; default: number };
  /** Whether it has an HTTP API in addition to health, readiness and metrics. */
  api: boolean;
  /** Whether a system is complete without it. */
  optional: boolean;
  /** Exchanges that it publishes to. */
  publishes: string[];
  /** Queues that it consumes, with their bindings. It consumes an `optional` queue only if its settings say so. */
  queues: QueueSpec[];
  /** Streams that it reads. Each receives every event of every service. */
  streams: string[];
  /** Environment variables that it reads. */
  settings: string[];
}

/** Derives the contents of a service's `topology.json`. */
export function topologyOf(service: DefinedService): ServiceTopology {
  const settings = settingsOf(service);
  const { name, optional = false, routes, on = [], reads = [] } = service;
  return {
    service: name,
    port: { setting: settings.port.env, default: service.port },
    api: routes !== undefined,
    optional,
    publishes: exchangesOf(service).toSorted(),
    queues: on.map((subscription) => ({
      queue: queueOf(name, subscription),
      bindings: subscription.contracts.map(({ exchange, routingKey }) => ({ exchange, routingKey })),
      ...(subscription.when && { optional: true }),
    })),
    streams: reads.map(({ stream }) => stream),
    settings: Object.values(settings)
      .map(({ env }) => env)
      .toSorted(),
  };
}
