import module from 'node:module';

/**
 * Adds the hooks that a module exports to Node's module loader. Node 26 deprecates `register`, which Node 20 alone needs; hooks have to work
 * with both: on the thread of their program, where everything is synchronous, and on one of their own, where `nextLoad` returns a promise.
 * @param {URL} hooks
 */
export async function registerHooks(hooks) {
  if (module.registerHooks) module.registerHooks(await import(hooks));
  else module.register(hooks);
}
