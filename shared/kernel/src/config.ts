import { kernelErrors } from './errors.ts';
import { requireDecodable } from './url-part.ts';

/** Parses the text of an environment variable, or throws an Error whose message says what is expected. */
export type SettingFormat<Value> = (text: string) => Value;

/** One setting: its environment variable, what it means, its format and its default. */
export interface Setting<Value> {
  env: string;
  /** What the setting does, with its unit. */
  doc: string;
  format: SettingFormat<Value>;
  /** Used when the variable is absent or empty. A setting without a default is required. */
  default?: Value;
  /** A secret is never printed. @default false */
  secret?: boolean;
}

export type SettingsSpec = Record<string, Setting<unknown>>;
export type Settings<Spec extends SettingsSpec> = { readonly [Name in keyof Spec]: SettingValue<Spec[Name]> };
type SettingValue<S> = S extends { format: SettingFormat<infer Value> } ? Value : never;

/** Declares a setting. Exists only for type inference. */
export function setting<Value>(spec: Setting<Value>): Setting<Value> {
  return spec;
}

/**
 * Reads all settings from the environment.
 * @throws `CONFIG_INVALID` with every missing or malformed setting at once (`details.faults`).
 */
export function loadSettings<Spec extends SettingsSpec>(
  spec: Spec,
  env: Record<string, string | undefined> = process.env,
): Settings<Spec> {
  const faults: { env: string; message: string }[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(spec)) {
    const text = env[one.env]?.trim();
    if (text === undefined || text === '') {
      if (!('default' in one)) faults.push({ env: one.env, message: `is required: ${one.doc}` });
      values[name] = one.default;
      continue;
    }
    try {
      values[name] = one.format(text);
    } catch (error) {
      const shown = one.secret ? 'the given value' : `"${text}"`;
      faults.push({ env: one.env, message: `${(error as Error).message}, not ${shown}` });
    }
  }
  if (faults.length > 0) {
    const lines = faults.map((fault) => `  ${fault.env} ${fault.message}`);
    throw kernelErrors.CONFIG_INVALID(`invalid settings:\n${lines.join('\n')}`, { details: { faults } });
  }
  return values as Settings<Spec>;
}

/** The formats of settings. */
export const formats = {
  text: ((text) => text) satisfies SettingFormat<string>,
  /** A whole number from `min` to `max`, inclusive. */
  integer(min: number, max: number = Number.MAX_SAFE_INTEGER): SettingFormat<number> {
    return (text) => {
      const value = Number(text);
      if (/^-?\d+$/.test(text) && value >= min && value <= max) return value;
      throw new Error(`must be a whole number from ${min} to ${max}`);
    };
  },
  /** A TCP port; 0 asks the operating system for a free one. */
  port: ((text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value <= 65_535) return value;
    throw new Error('must be a port, 0 to 65535');
  }) satisfies SettingFormat<number>,
  /** A URL with one of these protocols, e.g. `url('amqp:', 'amqps:')`. Its user, password and path must be decodable (see `decodeUrlPart`). */
  url(...protocols: string[]): SettingFormat<string> {
    return (text) => {
      if (!URL.canParse(text) || !protocols.includes(new URL(text).protocol)) {
        throw new Error(`must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`);
      }
      requireDecodable(new URL(text));
      return text;
    };
  },
  oneOf<const Choice extends string>(choices: readonly Choice[]): SettingFormat<Choice> {
    return (text) => {
      const found = choices.find((choice) => choice === text);
      if (found !== undefined) return found;
      throw new Error(`must be one of ${choices.join(', ')}`);
    };
  },
};
