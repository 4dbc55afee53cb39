import { isPostgresUrl } from '../../src/framework/config/database-url.ts';
import { labelsOf, type Manifest, selectorOf } from './manifest.ts';
import { listReferences } from './references.ts';
import { readServer } from './server-url.ts';
import type { DeployedApp, System } from './system.ts';

/** The label by which a namespace says that its pods may send requests: `ingress` or `monitoring`. */
export const roleLabel = 'modular-monolith/role';

/** Creates the Service of an app. */
export function createService(system: System, app: DeployedApp): Manifest {
  // Callers spread their requests over the addresses of all replicas themselves.
  const isHeadless = !app.isStateful && app.callers.length > 0;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: app.name, namespace: system.namespace, labels: labelsOf(system, app.name) },
    spec: {
      ...(isHeadless && { clusterIP: 'None' }),
      selector: selectorOf(app.name),
      ports: [{ name: 'http', port: app.port, targetPort: 'http' }],
    },
  };
}

/** Creates the Ingress: each service at the app that runs it, so that the gateway forwards nothing. */
export function createIngress({ config, apps, host, namespace }: System): Manifest | undefined {
  if (host === undefined) return undefined;
  const backend = ({ name }: DeployedApp) => ({ service: { name, port: { name: 'http' } } });
  const [gateway] = apps as [DeployedApp];
  // Not /metrics and /ready, which are for the cluster.
  const ofGateway = ['/openapi.json', '/health', ...(config.docs ? ['/docs'] : [])];
  const paths = [
    { path: '/', pathType: 'Exact', backend: backend(gateway) },
    ...ofGateway.map((path) => ({ path, pathType: 'Prefix', backend: backend(gateway) })),
    ...apps.flatMap((app) =>
      app.services.map((service) => ({ path: `/${service}`, pathType: 'Prefix', backend: backend(app) })),
    ),
  ];
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'public', namespace },
    spec: { tls: [{ hosts: [host], secretName: 'tls' }], rules: [{ host, http: { paths } }] },
  };
}

/** Creates the policy that denies everything, and one for each app that allows what the config and `peers` need. */
export function createPolicies(system: System): Manifest[] {
  const metadata = (name: string) => ({ name, namespace: system.namespace });
  return [
    createPolicy(metadata('default-deny'), {}, [], []),
    ...system.apps.map((app) =>
      createPolicy(metadata(app.name), appSelector(app.name), ingressOf(system, app), egressOf(system, app)),
    ),
  ];
}

function createPolicy(
  metadata: Manifest['metadata'],
  podSelector: object,
  ingress: object[],
  egress: object[],
): Manifest {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata,
    spec: { podSelector, policyTypes: ['Ingress', 'Egress'], ingress, egress },
  };
}

const appSelector = (name: string) => ({ matchLabels: selectorOf(name) });
const tcp = (port: number) => ({ protocol: 'TCP', port });
const inRole = (role: string) => ({ namespaceSelector: { matchLabels: { [roleLabel]: role } } });

/** Probes need no rule: a node may always reach its pods. */
function ingressOf({ config, host }: System, { callers, isGateway, port, services }: DeployedApp) {
  const isPublic = isGateway || (host !== undefined && services.length > 0);
  const from = [
    ...callers.map((caller) => ({ podSelector: appSelector(caller) })),
    ...(isPublic ? [inRole('ingress')] : []),
    ...(config.metrics ? [inRole('monitoring')] : []),
  ];
  return from.length === 0 ? [] : [{ from, ports: [tcp(port)] }];
}

function egressOf(system: System, app: DeployedApp) {
  const called = system.apps.filter(({ callers }) => callers.includes(app.name));
  const ports = [...new Set(listServers(system, app).map(({ port }) => port))].sort(
    (one, other) => one - other,
  );
  return [
    dns,
    ...called.map(({ name, port }) => ({ to: [{ podSelector: appSelector(name) }], ports: [tcp(port)] })),
    // Servers outside have no name in a policy.
    ...(ports.length === 0 ? [] : [{ ports: ports.map(tcp) }]),
  ];
}

const dns = {
  to: [
    { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } } },
    // NodeLocal DNSCache
    { ipBlock: { cidr: '169.254.20.10/32' } },
  ],
  ports: [
    { protocol: 'UDP', port: 53 },
    { protocol: 'TCP', port: 53 },
  ],
};

/** Lists the servers that an app uses: databases, the collector, the issuer of tokens, and URLs in options. */
function listServers({ config, raw }: System, { services }: DeployedApp) {
  const { auth, traces } = config;
  const urls = services.flatMap((name) => {
    const { database, options } = raw.services[name] ?? {};
    // A variable may name a server, also if its default is a file. It may have another port, but then the policy is the
    // place to say so.
    const isServer =
      isPostgresUrl(config.services[name]?.database ?? '') ||
      listReferences(database).some(({ isWhole }) => isWhole);
    return [isServer ? portOf(database) : undefined, ...listUrls(options)];
  });
  const issuer = typeof auth === 'object' && auth.issuer.includes(':') ? auth.issuer : undefined;
  return [...urls, traces?.url, issuer].flatMap((url) => readServer(url) ?? []);
}

/** Returns a URL with the port of a database. */
function portOf(database: string | undefined): string {
  return `postgres://server:${readServer(database)?.port ?? 5_432}`;
}

/** Lists the options with the name `url`, for example that of a mail server. */
function listUrls(options: unknown): string[] {
  if (typeof options !== 'object' || options === null) return [];
  return Object.entries(options).flatMap(([key, value]) =>
    key === 'url' && typeof value === 'string' ? expandUrl(value) : listUrls(value),
  );
}

/** Returns the URLs that an option may have. The server behind a variable without a default is not known. */
function expandUrl(url: string): string[] {
  const reference = listReferences(url).find(({ isWhole }) => isWhole);
  if (reference === undefined) return [url];
  return reference.standard === undefined ? unknownServers : [reference.standard];
}

const unknownServers = ['https', 'smtps', 'smtp'].map((scheme) => `${scheme}://server`);
