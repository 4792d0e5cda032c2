import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** A service runs from the same kind of files as this program: its build, or its sources in tests. */
const [FOLDER, EXTENSION] = import.meta.url.endsWith('.ts') ? ['src', 'ts'] : ['dist', 'js'];

/** Where a folder below the services has a module, e.g. `services/order/dist/service.js`. */
export function serviceModule(
  services: URL,
  folder: string,
  name: string,
): { path: string; exists: boolean; url: URL } {
  const path = `${folder}/${FOLDER}/${name}.${EXTENSION}`;
  const file = join(fileURLToPath(services), path);
  return { path, url: pathToFileURL(file), exists: existsSync(file) };
}
