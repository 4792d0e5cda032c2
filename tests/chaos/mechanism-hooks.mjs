import { MECHANISMS } from './mechanisms.mjs';

const cut = MECHANISMS[process.env.WARREN_CHAOS_WITHOUT];

/** A hook of Node's module loader: gives the compiled file of the mechanism without it. */
export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  if (!url.endsWith(cut.file)) return loaded;
  const source = String(loaded.source);
  if (!source.includes(cut.from)) throw new Error(`${cut.file} has no longer: ${cut.from}`);
  return { ...loaded, source: source.replaceAll(cut.from, cut.to) };
}
