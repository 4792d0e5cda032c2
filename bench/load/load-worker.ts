import { serveWorker } from '../harness/worker.ts';
import { type ClosedLoop, type ClosedLoopOutcome, runClosedLoop } from './closed-loop.ts';

/** Sends load, in a process of its own. */
await serveWorker<ClosedLoop, ClosedLoopOutcome>(async () => runClosedLoop);
