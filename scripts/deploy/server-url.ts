/** The parts of a URL of the config that manifests need. A part may contain `${NAME}`. */
export interface Server {
  readonly scheme: string;
  readonly user: string | undefined;
  /** The password before the host, or the parameter `password`. */
  readonly password: string | undefined;
  readonly host: string;
  readonly port: number;
  /** The path after the host, without its first slash and without the query. */
  readonly path: string;
}

const standardPorts: Readonly<Record<string, number>> = {
  http: 80,
  https: 443,
  postgres: 5432,
  postgresql: 5432,
  smtp: 587,
  smtps: 465,
};

/** Reads a URL with a host. Not by the class `URL`, because the URL may contain `${NAME}`. */
export function readServer(url: string | undefined): Server | undefined {
  const match =
    /^([a-z]+):\/\/(?:([^/@:]*)(?::([^/@]*))?@)?(\[[^\]]*\]|[^/:?#[\]]+)(?::(\d+))?(?:\/([^?#]*))?/.exec(
      url ?? '',
    );
  if (match === null) return undefined;
  const [, scheme = '', user, password, host = '', port, path = ''] = match;
  return {
    ...{ scheme, user, path },
    password: password ?? /[?&]password=([^&#]+)/.exec(url ?? '')?.[1],
    host: host.replace(/^\[(.*)\]$/, '$1'),
    port: port === undefined ? (standardPorts[scheme] ?? 443) : Number(port),
  };
}

export function hostOf(url: string | undefined): string | undefined {
  return readServer(url)?.host;
}
