import { cliErrors } from './cli-errors.ts';

const TIMEOUT_MS = 10_000;

/**
 * A client for a JSON API at a base URL. `name` is used in messages.
 * @throws `CLI_ADDRESS_UNKNOWN` for a URL with a login, which `fetch` would reject with a message that shows the password
 */
export function createJsonApi(baseUrl: string, name: string) {
  const { username, password } = new URL(baseUrl);
  if (username || password) throw cliErrors.CLI_ADDRESS_UNKNOWN(`the URL of ${name} must not contain a login`);

  async function ask<Answer>(path: string, request: RequestInit, what: string): Promise<Answer> {
    const url = new URL(path, baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`);
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(url, { ...request, signal }).catch((error: Error) => {
      const why = (error.cause as Error | undefined)?.message || error.message;
      throw cliErrors.CLI_UNREACHABLE(`cannot reach ${name} at ${url.host}: ${why}`, { cause: error });
    });
    if (response.status === 404) throw cliErrors.CLI_NOT_FOUND(`there is no ${what}`);
    const text = await response.text();
    const answer = parse(text);
    if (response.ok && answer !== undefined) return answer as Answer;
    const { detail } = (answer ?? {}) as { detail?: unknown };
    if (response.status < 500 && typeof detail === 'string') throw cliErrors.CLI_REFUSED(`${name} says: ${detail}`);
    const shown = text.slice(0, 200);
    throw cliErrors.CLI_UNEXPECTED_ANSWER(`${name} at ${url.host} answered ${response.status}: ${shown}`);
  }

  return {
    /**
     * @param what the requested thing, for the message when it does not exist
     * @throws `CLI_NOT_FOUND`, `CLI_UNREACHABLE`, `CLI_REFUSED`, `CLI_UNEXPECTED_ANSWER`
     */
    get: <Answer>(path: string, what: string) => ask<Answer>(path, {}, what),
    /** @throws as `get` does */
    post: <Answer>(path: string, body: object, what: string) => {
      const headers = { 'content-type': 'application/json' };
      return ask<Answer>(path, { method: 'POST', headers, body: JSON.stringify(body) }, what);
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
