import { build } from './lib/prepare.mjs';
import { createReport } from './lib/report.mjs';
import { requireSupportedNode, runScript } from './lib/run-script.mjs';

requireSupportedNode();
await runScript({
  report: createReport(),
  stoppedCode: 130,
  main: async ({ signal }) => {
    await build(signal);
    return 0;
  },
});
