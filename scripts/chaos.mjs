import { createReport } from './lib/report.mjs';
import { requireSupportedNode, runScript } from './lib/run-script.mjs';
import { runChaos } from './lib/run-suite.mjs';

requireSupportedNode();
const report = createReport();
await runScript({
  report,
  stoppedCode: 130,
  main: (context) => runChaos({ ...context, env: process.env, report }, process.argv.slice(2)),
});
