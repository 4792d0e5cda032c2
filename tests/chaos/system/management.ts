/** A queue in the management API: the members that the suite reads. */
export interface QueueCount {
  name: string;
  messages?: number;
  /** `stream` for one that keeps what was read. */
  type?: string;
}

/** The broker's management API, in its default virtual host. */
export interface Management {
  /** @throws on any answer of 400 or more, and when the broker is away */
  call<Answer = unknown>(method: string, path: string, body?: unknown): Promise<Answer>;
  queues(): Promise<QueueCount[]>;
}

export function openManagement(managementUrl: string): Management {
  const { origin, username, password } = new URL(managementUrl);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

  async function call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${origin}/api${path}`, {
      method,
      // A keep-alive connection would delay the broker's shutdown by 5 seconds.
      headers: { authorization, 'content-type': 'application/json', connection: 'close' },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} /api${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as Answer;
  }

  return { call, queues: () => call<QueueCount[]>('GET', '/queues/%2F') };
}
