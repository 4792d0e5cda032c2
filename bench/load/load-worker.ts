import { serveWorker } from '../harness/worker.ts';
import { type ClosedLoop, type ClosedLoopOutcome, runClosedLoop } from './closed-loop.ts';
import { type OpenLoop, type OpenLoopOutcome, runOpenLoop } from './open-loop.ts';

/** Sends load, in a process of its own. */
await serveWorker<ClosedLoop | OpenLoop, ClosedLoopOutcome | OpenLoopOutcome>(
  async () => (task) => (task.kind === 'closed' ? runClosedLoop(task) : runOpenLoop(task)),
);
