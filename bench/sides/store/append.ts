import type { AppendOperation } from '@warren/event-store';
import { createBatcher } from '@warren/kernel';
import { serveWorker } from '../../harness/worker.ts';
import { perSecond, workOfRun } from '../bus-bench.ts';
import { inWindow } from '../in-window.ts';
import { appendAll, newStream, openBenchStore } from '../store-bench.ts';

/** Commands at the same moment: as many as wait for each other in a busy service. */
const COMMANDS = 1000;

await serveWorker(async () => {
  const { store } = await openBenchStore('bench_append');
  // The order service's group commit: each command is answered by itself, those that wait share a transaction.
  const batcher = createBatcher<AppendOperation, unknown>({
    handle: (operations) => appendAll(store, operations),
    // One is made ready here while the server writes the other.
    concurrency: 2,
  });
  return () => {
    const operations = Array.from({ length: workOfRun() }, () => newStream());
    const append = (operation: AppendOperation, done: (error?: unknown) => void) => {
      batcher.add(operation).then(() => done(), done);
    };
    return perSecond(operations.length, () => inWindow(operations, COMMANDS, append));
  };
});
