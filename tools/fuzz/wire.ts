import { Agent, type IncomingHttpHeaders, request } from 'node:http';

/** A request that is sent unchanged. */
export interface Sent {
  readonly method: string;
  /** The path with its query, percent-encoded, in Latin-1. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}
export interface FuzzResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Opens a client that sends requests one after another, on one connection if the server keeps it open. */
export function openWire(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });

  function once(sent: Sent, agent: Agent | false): Promise<FuzzResponse> {
    const { method, path, headers, body } = sent;
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': String(body.length) };
      const options = { agent, hostname, port, method, path, headers: { ...headers, ...length } };
      const outgoing = request({ ...options, timeout: 10_000 }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part) => parts.push(part));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(parts),
          }),
        );
      });
      outgoing.on('timeout', () => outgoing.destroy(new Error('timeout after 10 s')));
      outgoing.on('error', (error) => reject(Object.assign(error, { isReused: outgoing.reusedSocket })));
      outgoing.end(body);
    });
  }

  return {
    /** Rejects if no complete response comes. Retries if the server has just closed a kept connection. */
    send: (sent: Sent): Promise<FuzzResponse> =>
      once(sent, agent).catch((error) => {
        if (!error.isReused || error.code !== 'ECONNRESET') throw error;
        return once(sent, agent);
      }),
    /** Sends a request on a new connection, concurrently with others. */
    sendSeparately: (sent: Sent): Promise<FuzzResponse> => once(sent, false),
    close: () => agent.destroy(),
  };
}

/** Returns a request as a command for bash. */
export function toCurl(url: string, { method, path, headers, body }: Sent): string {
  const parts = ['curl -sig --path-as-is', ...(method === 'HEAD' ? ['-I'] : [`-X ${method}`])];
  parts.push(quote(`${url}${path}`));
  // With a body, curl would add its default content type.
  const named = body === undefined ? headers : { 'content-type': '', ...headers };
  for (const [name, value] of Object.entries(named)) {
    parts.push(`-H ${quote(value === '' ? `${name}:` : `${name}: ${value}`)}`);
  }
  if (body === undefined) return parts.join(' ');
  return `${print(body)} | ${parts.join(' ')} --data-binary @-`;
}

/** Returns a command that prints bytes: non-ASCII as octal escapes, many spaces at the end as a width. */
function print(bytes: Buffer): string {
  const text = bytes.toString('latin1');
  const spaces = text.length - text.trimEnd().length;
  const start = spaces > 50 ? text.slice(0, -spaces) : text;
  const escaped = start.replace(/[^ -~]|['\\%]/g, (byte) =>
    byte === '%' ? '%%' : `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
  return spaces > 50 ? `printf '${escaped}%${spaces}s' ''` : `printf '${escaped}'`;
}

function quote(text: string): string {
  if (/^[ -~]*$/.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  const escaped = text.replace(
    /[^ -~]|['\\]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `$'${escaped}'`;
}
