import { context, propagation, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';

export interface SpanCollector {
  /** The spans that have ended, in the order of their ends. */
  spans(): ReadableSpan[];
  /** Registers nothing any more: from now on no spans are made. */
  stop(): Promise<void>;
}

/** Records every span of this process until it is stopped. One at a time: tracers are global. */
export async function startSpanCollector(): Promise<SpanCollector> {
  // Here and not above: most suites that import this package make no spans.
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
