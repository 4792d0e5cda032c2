const SETTINGS = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
};

/**
 * SQL that restricts the planner to index lookups and generic plans until the end of the session. The store's statements need this: its tables
 * grow from empty while connections keep their first plans (docs/adr/0012).
 */
export const KEYED_PLANS: string = Object.entries(SETTINGS)
  .map(([name, value]) => `SET ${name} = ${value}`)
  .join('; ');
