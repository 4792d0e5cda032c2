import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { shopCatalogue } from '@shop/events/catalogue';
import { type ReleasedContract, requireCompatible } from '@warren/contracts';
import { withServices } from './compose-file.ts';
import { generateDocuments, generateReleased, RELEASED } from './documents.ts';

/*
 * npm run generate               writes docs/asyncapi.yaml, docs/schemas, docs/settings.md, the topology.json of each service, its part of docker-compose.yml
 * npm run generate -- --release  also records every version of every event as released; refuses when a recorded one was broken
 */
const root = join(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const written = await generateDocuments(version);

if (process.argv.includes('--release')) {
  for (const file of readdirSync(join(root, RELEASED))) {
    const released: ReleasedContract = JSON.parse(readFileSync(join(root, RELEASED, file), 'utf8'));
    requireCompatible(released, shopCatalogue);
  }
  for (const [path, text] of generateReleased()) written.set(path, text);
}

rmSync(join(root, 'docs/schemas'), { recursive: true, force: true });
for (const [path, text] of written) write(path, text);

// From the files that have just been written.
const { SERVICES } = await import('../../scripts/lib/services.mjs');
write('docker-compose.yml', withServices(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), SERVICES));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  console.log(path);
}
