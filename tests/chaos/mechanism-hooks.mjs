import { MECHANISMS } from './mechanisms.mjs';

const { file, cuts } = MECHANISMS[process.env.WARREN_CHAOS_WITHOUT];

/** A hook of Node's module loader: gives the compiled file of the mechanism without it. */
export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  return url.endsWith(file) ? { ...loaded, source: cuts.reduce(replaceText, String(loaded.source)) } : loaded;
}

function replaceText(source, [from, to]) {
  if (!source.includes(from)) throw new Error(`${file} has no longer: ${from}`);
  return source.replaceAll(from, to);
}
