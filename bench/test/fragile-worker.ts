import { serveWorker } from '../harness/worker.ts';

/** Answers, and dies when it is told to: at once, or after its answer. */
await serveWorker<'answer' | 'die' | 'die later', string>(async () => async (task) => {
  const die = (): never => {
    process.stderr.write('this was too much\n');
    process.exit(7);
  };
  if (task === 'die') die();
  if (task === 'die later') setImmediate(die);
  return 'done';
});
