import { createReport } from './lib/report.mjs';
import { requireSupportedNode, runScript } from './lib/run-script.mjs';
import { runTests } from './lib/test.mjs';

requireSupportedNode();
const report = createReport();
await runScript({
  report,
  stoppedCode: 130,
  main: (context) => runTests({ ...context, env: process.env, report }, process.argv.slice(2)),
});
