import { writeSync } from 'node:fs';

/** A hook of Node's module loader: writes the URL of every module that is loaded to file descriptor 3, one a line. */
export function load(url, context, nextLoad) {
  writeSync(3, `${url}\n`);
  return nextLoad(url, context);
}
