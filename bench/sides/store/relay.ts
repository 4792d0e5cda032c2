import type { EventPublisher } from '@warren/contracts';
import { EventBus } from '@warren/event-bus';
import { createRelay } from '@warren/event-store';
import { serveWorker } from '../../harness/worker.ts';
import { busBench, catalogue, exchange, perSecond, routingKey, workOfRun } from '../bus-bench.ts';
import { fillStore, openBenchStore } from '../store-bench.ts';

await serveWorker(async () => {
  const { url, queue } = busBench();
  const { pool, store } = await openBenchStore('bench_relay');
  const bus = new EventBus({
    url,
    service: 'bench',
    catalogue,
    topology: [{ queue, bindings: [{ exchange, routingKey }] }],
  });
  await bus.connect();
  return async () => {
    await fillStore(store, workOfRun());
    const { publisher, all } = counting(bus, workOfRun());
    const relay = createRelay({ pool, store, publisher });
    const measured = await perSecond(workOfRun(), async () => {
      await relay.start?.();
      await all;
    });
    await relay.stop?.();
    return measured;
  };
});

/** Tells when so many events are confirmed. */
function counting(bus: EventPublisher, events: number): { publisher: EventPublisher; all: Promise<void> } {
  let left = events;
  let onLast: () => void;
  const all = new Promise<void>((resolve) => {
    onLast = resolve;
  });
  const publisher: EventPublisher = {
    canPublish: () => bus.canPublish(),
    async tryPublish(event) {
      const outcome = await bus.tryPublish(event);
      if (outcome.status === 'confirmed') left -= 1;
      if (left === 0) onLast();
      return outcome;
    },
  };
  return { publisher, all };
}
