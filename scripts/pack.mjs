import { packKit } from './lib/pack-kit.mjs';
import { createReport } from './lib/report.mjs';
import { requireSupportedNode, runScript } from './lib/run-script.mjs';

const [folder = '.data/kit'] = process.argv.slice(2);

requireSupportedNode();
const report = createReport();
await runScript({
  report,
  stoppedCode: 130,
  main: async ({ signal }) => {
    for (const file of await packKit(folder, signal)) report.say(file);
    return 0;
  },
});
