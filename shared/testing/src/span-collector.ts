import { context, propagation, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';

export interface SpanCollector {
  /** The ended spans, in the order in which they ended. */
  spans(): ReadableSpan[];
  /** Unregisters the tracer: from now on no spans are created. */
  stop(): Promise<void>;
}

/** Records every span of this process until it is stopped. One at a time: tracers are global. */
export async function startSpanCollector(): Promise<SpanCollector> {
  // Imported here, because most suites that import this package create no spans.
  const { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } = await import(
    '@opentelemetry/sdk-trace-node'
  );
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  provider.register();
  return {
    spans: () => exporter.getFinishedSpans(),
    async stop() {
      await provider.shutdown();
      for (const api of [trace, context, propagation]) api.disable();
    },
  };
}
