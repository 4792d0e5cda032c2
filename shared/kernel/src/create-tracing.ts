import { setTimeout as pause } from 'node:timers/promises';
import { context, DiagLogLevel, diag, propagation, trace } from '@opentelemetry/api';
import type { Component } from './component.ts';
import { type Logger, silentLogger } from './logger.ts';
import { activeTracer } from './spans.ts';

export interface TracingOptions {
  /** Name of the service: the `service.name` of its spans, unless `OTEL_SERVICE_NAME` overrides it. */
  service: string;
  /** Base URL of an OTLP/HTTP receiver; spans go to `/v1/traces` below it. If empty, the SDK is not loaded and no spans are recorded. */
  endpoint: string;
  /** Logs spans that could not be exported. */
  logger?: Logger;
}

/** How long a stop waits for the last spans, in milliseconds: an unreachable receiver must not block the stop. */
const FLUSH_TIMEOUT_MS = 2000;

/**
 * Exports this process's spans by OTLP. As the first component of a service it starts before all others, and sends the last spans after
 * they have stopped. The other settings of the OpenTelemetry SDK apply too (`OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS`,
 * `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_BSP_…`). Tracers are global: an SDK that the program has set up itself stays in place. Spans that
 * cannot be sent are lost and logged; no work fails because of them.
 */
export function createTracing({ service, endpoint, logger = silentLogger }: TracingOptions): Component {
  let provider: { shutdown(): Promise<void> } | undefined;
  return {
    name: 'tracing',
    async start() {
      if (endpoint === '' || activeTracer()) return;
      reportTo(logger);
      provider = await registerProvider(service, endpoint);
      logger.info({ endpoint }, 'exporting spans');
    },
    async stop() {
      if (!provider) return;
      await flush(provider, logger);
      for (const api of [trace, context, propagation, diag]) api.disable();
    },
  };
}

/** Loads the SDK only here, so that a process without export does not pay for it. */
async function registerProvider(service: string, endpoint: string) {
  const [{ BatchSpanProcessor, NodeTracerProvider }, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const { defaultResource, detectResources, envDetector, resourceFromAttributes } = resources;
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': service, 'process.pid': process.pid }))
    .merge(detectResources({ detectors: [envDetector] }));
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` });
  const provider = new NodeTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(exporter)] });
  provider.register();
  return provider;
}

async function flush(provider: { shutdown(): Promise<void> }, logger: Logger): Promise<void> {
  const done = new AbortController();
  const late = pause(FLUSH_TIMEOUT_MS, 'late', { signal: done.signal }).catch(() => undefined);
  try {
    if ((await Promise.race([provider.shutdown(), late])) === 'late') {
      logger.warn({ timeoutMs: FLUSH_TIMEOUT_MS }, 'the last spans were not exported in time');
    }
  } catch (err) {
    logger.warn({ err }, 'the last spans could not be exported');
  } finally {
    done.abort();
  }
}

/** Logs the SDK's own problems, which it does not report by itself. */
function reportTo(logger: Logger): void {
  const warn = (message: string, ...facts: unknown[]) => logger.warn({ facts }, `OpenTelemetry: ${message}`);
  const ignore = () => undefined;
  diag.setLogger({ error: warn, warn, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN);
}
