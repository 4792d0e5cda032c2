import { MECHANISMS } from './mechanisms.mjs';

const { file, cuts } = MECHANISMS[process.env.WARREN_CHAOS_WITHOUT];

/** A hook of Node's module loader: returns the compiled file of the mechanism without it. */
export function load(url, context, nextLoad) {
  const loaded = nextLoad(url, context);
  if (!url.endsWith(file)) return loaded;
  return loaded instanceof Promise ? loaded.then(withoutIt) : withoutIt(loaded);
}

function withoutIt(loaded) {
  return { ...loaded, source: cuts.reduce(replaceText, String(loaded.source)) };
}

function replaceText(source, [from, to]) {
  if (!source.includes(from)) throw new Error(`${file} has no longer: ${from}`);
  return source.replaceAll(from, to);
}
