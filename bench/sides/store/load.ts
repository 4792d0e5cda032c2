import { percentile } from '../../harness/statistics.ts';
import { serveWorker } from '../../harness/worker.ts';
import { workOfRun } from '../bus-bench.ts';
import { appendAll, newStream, openBenchStore } from '../store-bench.ts';

const STREAMS = 200;
const EVENTS = 100;

await serveWorker(async () => {
  const { store } = await openBenchStore('bench_load');
  const streams = Array.from({ length: STREAMS }, () => newStream(EVENTS));
  for (const stream of streams) await appendAll(store, [stream]);
  const ids = streams.map(({ streamId }) => streamId);
  return async () => {
    const times: number[] = [];
    for (let index = 0; index < workOfRun(); index += 1) {
      const id = ids[index % ids.length] as string;
      const from = performance.now();
      const events = (await store.load([id])).get(id);
      times.push(performance.now() - from);
      if (events?.length !== EVENTS) throw new Error(`${id} has ${events?.length} events`);
    }
    return { value: percentile(times, 0.5) };
  };
});
