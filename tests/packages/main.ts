import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packKit } from '../../scripts/lib/pack-kit.mjs';
import { faultsOf, readTarball } from './package-faults.ts';

/* npm run packages: packs the kit and says what would be wrong with it elsewhere. */
const folder = mkdtempSync(join(tmpdir(), 'warren-packages-'));
try {
  const kit = (await packKit(folder)).map(readTarball);
  const faults = (await Promise.all(kit.map((tarball) => faultsOf(tarball, kit)))).flat();
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
