import { Agent, type IncomingHttpHeaders, request } from 'node:http';

/** A request as it goes over the wire. */
export interface Sent {
  readonly method: string;
  /** With its query, percent-encoded as it shall be, in Latin-1. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A client that sends one request after the other, on one connection where the server keeps it. */
export function openWire(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });

  function once(sent: Sent, agent: Agent | false): Promise<Answer> {
    const { method, path, headers, body } = sent;
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': String(body.length) };
      const options = { agent, hostname, port, method, path, headers: { ...headers, ...length } };
      const asked = request({ ...options, timeout: 10_000 }, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part) => parts.push(part));
        answer.on('error', reject);
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) }),
        );
      });
      asked.on('timeout', () => asked.destroy(new Error('no answer within 10 s')));
      asked.on('error', (error) => reject(Object.assign(error, { isReused: asked.reusedSocket })));
      asked.end(body);
    });
  }

  return {
    /** Rejects where no whole answer comes. A kept connection that the server has just closed is no answer yet. */
    send: (sent: Sent): Promise<Answer> =>
      once(sent, agent).catch((error) => {
        if (!error.isReused || error.code !== 'ECONNRESET') throw error;
        return once(sent, agent);
      }),
    /** On a connection of its own, beside what else is sent. */
    sendApart: (sent: Sent): Promise<Answer> => once(sent, false),
    close: () => agent.destroy(),
  };
}

/** The same request as a command for bash. */
export function toCurl(url: string, { method, path, headers, body }: Sent): string {
  const parts = ['curl -sig --path-as-is', ...(method === 'HEAD' ? ['-I'] : [`-X ${method}`])];
  parts.push(quote(`${url}${path}`));
  // curl would send a type of its own with a body.
  const named = body === undefined ? headers : { 'content-type': '', ...headers };
  for (const [name, value] of Object.entries(named)) {
    parts.push(`-H ${quote(value === '' ? `${name}:` : `${name}: ${value}`)}`);
  }
  if (body === undefined) return parts.join(' ');
  return `${print(body)} | ${parts.join(' ')} --data-binary @-`;
}

/** Bytes as a command that prints them: all but plain ASCII as octal escapes, many spaces at the end as a width. */
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
