import { ExplainedError } from '../shared/servers/src/index.mjs';
import { createReport } from './lib/report.mjs';
import { requireSupportedNode, runScript } from './lib/run-script.mjs';
import { start } from './lib/start.mjs';
import { parseStartOptions, START_HELP } from './lib/start-options.mjs';

requireSupportedNode();
const report = createReport();
try {
  const options = parseStartOptions(process.argv.slice(2));
  if (options.help) report.say(START_HELP);
  else {
    const main = (/** @type {import('./lib/run-script.mjs').ScriptContext} */ context) =>
      start({ ...context, env: process.env, report }, options);
    await runScript({ report, stoppedCode: 0, main });
  }
} catch (error) {
  if (!(error instanceof ExplainedError)) throw error;
  report.fail(error.message);
  process.exitCode = 2;
}
