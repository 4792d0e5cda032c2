import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { dirname } from 'node:path';

// Loaded into a service before it starts, since Node takes no `--cpu-prof` from NODE_OPTIONS: leaves a CPU profile when the process ends.
const name = process.env.WARREN_BENCH_PROFILE;
if (name === undefined) throw new Error('WARREN_BENCH_PROFILE names no file');
// Instances of a service have the same name.
const file = `${name}.${process.pid}.cpuprofile`;
const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.start');
process.on('exit', () => {
  // Within one thread the answer comes at once.
  session.post('Profiler.stop', (error, stopped) => {
    if (error) throw error;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(stopped.profile));
  });
});
