import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData, type Package } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

type Exports = string | { [condition: string]: Exports };

interface Manifest {
  name: string;
  private?: boolean;
  exports: Exports;
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** A package as `npm pack` has made it. */
export interface Tarball {
  bytes: Uint8Array<ArrayBuffer>;
  content: Package;
  manifest: Manifest;
}

const license = readFileSync(join(import.meta.dirname, '../../LICENSE'), 'utf8');

export function readTarball(path: string): Tarball {
  const bytes = new Uint8Array(readFileSync(path));
  const content = createPackageFromTarballData(bytes);
  const manifest = JSON.parse(content.readFile(`/node_modules/${content.packageName}/package.json`)) as Manifest;
  return { bytes, content, manifest };
}

/** What would trouble somebody who installs the package elsewhere; one line each. */
export async function faultsOf(tarball: Tarball, kit: readonly Tarball[]): Promise<string[]> {
  const faults = [
    ...(await publintFaults(tarball)),
    ...(await typeFaults(tarball)),
    ...fileFaults(tarball),
    ...peerFaults(tarball, kit),
  ];
  return faults.map((fault) => `${tarball.manifest.name}: ${fault}`);
}

async function publintFaults({ bytes, manifest }: Tarball): Promise<string[]> {
  const { messages } = await publint({ pack: { tarball: bytes.buffer }, strict: true });
  return messages.map((message) => formatMessage(message, manifest as never, { color: false }) ?? message.code);
}

/** The kit is for ES modules: how CommonJS and the resolution of Node 10 would see it does not count. */
async function typeFaults({ content }: Tarball): Promise<string[]> {
  const result = await checkPackage(content);
  if (!result.types) return ['has no types'];
  return result.problems
    .filter((problem) => !('resolutionKind' in problem && /^node10$|-cjs$/.test(problem.resolutionKind)))
    .map((problem) => `types: ${problem.kind}`);
}

function fileFaults({ content, manifest: { name, exports, private: isPrivate } }: Tarball): string[] {
  const home = `/node_modules/${name}`;
  const files = content.listFiles(home).map((path) => path.slice(home.length + 1));
  const known = /^(package\.json|LICENSE|bin\/[^/]+|(src|dist)\/.+\.(ts|mts|js|mjs|map))$/;
  const stray = files.filter((path) => !known.test(path)).map((path) => `${path} is of no use elsewhere`);
  const licensed = files.includes('LICENSE') && content.readFile(`${home}/LICENSE`) === license;
  // Under a condition of our own publint does not look.
  const missing = targetsOf(exports).filter((path) => !files.includes(path.replace('./', '')));
  return [
    ...stray,
    ...missing.map((path) => `${path} of its exports is missing`),
    ...(licensed ? [] : ['its LICENSE is not that of the repository']),
    ...(isPrivate ? ['is private'] : []),
  ];
}

const targetsOf = (exports: Exports): string[] =>
  typeof exports === 'string' ? [exports] : Object.values(exports).flatMap(targetsOf);

/** A peer of a package is also one of each package that depends on it: it is for the application to provide, once for all of them. */
function peerFaults({ manifest: { dependencies = {}, peerDependencies = {} } }: Tarball, kit: readonly Tarball[]) {
  const needed = kit
    .filter(({ manifest }) => manifest.name in dependencies)
    .flatMap(({ manifest }) => Object.keys(manifest.peerDependencies ?? {}));
  return [...new Set(needed)]
    .filter((peer) => !(peer in peerDependencies))
    .map((peer) => `${peer} is no peerDependency, but one of what it depends on`);
}
