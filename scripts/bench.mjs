import { createReport } from './lib/report.mjs';
import { requireSupportedNode, runScript } from './lib/run-script.mjs';
import { runBench } from './lib/run-suite.mjs';

requireSupportedNode();
const report = createReport();
await runScript({
  report,
  stoppedCode: 130,
  main: (context) => runBench({ ...context, env: process.env, report }, process.argv.slice(2)),
});
