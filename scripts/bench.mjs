import { runBench } from './lib/bench.mjs';
import { requireSupportedNode } from './lib/node-version.mjs';
import { createReport } from './lib/report.mjs';
import { runScript } from './lib/run-script.mjs';

requireSupportedNode();
const report = createReport();
await runScript({
  report,
  stoppedCode: 130,
  main: (context) => runBench({ ...context, env: process.env, report }, process.argv.slice(2)),
});
