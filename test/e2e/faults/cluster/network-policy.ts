import type { Json } from '../../../tools/deploy/helper.ts';

/** A pod, or something else with an address in the network of the pods. */
export interface Endpoint {
  readonly name: string;
  readonly address: string;
  readonly namespace: string;
  readonly namespaceLabels: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** Whether the labels have all labels of a selector. Manifests here select by `matchLabels` only. */
function isSelected(labels: Readonly<Record<string, string>>, selector: Json): boolean {
  if (selector.matchExpressions !== undefined) throw new Error('matchExpressions are not supported');
  return Object.entries(selector.matchLabels ?? {}).every(([name, value]) => labels[name] === value);
}

/**
 * Translates the NetworkPolicies that select an endpoint into a ruleset of nftables, as a network plugin of Kubernetes
 * does. An endpoint that no policy selects has no rules. A packet that no rule allows is rejected with a message that no
 * missing server causes, so that a test can tell them apart.
 * @param node the address of the node, which may always reach its pods.
 */
export function toNft(
  endpoint: Endpoint,
  all: readonly Endpoint[],
  policies: readonly Json[],
  node: string,
): string {
  const own = policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === endpoint.namespace && isSelected(endpoint.labels, spec.podSelector),
  );
  const chain = (
    type: 'Ingress' | 'Egress',
    hook: string,
    device: string,
    peers: 'from' | 'to',
    side: string,
  ) => {
    const selecting = own.filter(({ spec }) => spec.policyTypes.includes(type));
    if (selecting.length === 0) return '';
    const rules: Json[] = selecting.flatMap(({ spec }) => spec[type.toLowerCase()] ?? []);
    const lines = rules.flatMap((rule) => toLines(rule[peers], rule.ports, endpoint, all, side));
    return `chain ${hook} {
  type filter hook ${hook} priority 0; policy accept;
  ${device} "lo" accept
  ct state established,related accept
  ${type === 'Ingress' ? `ip saddr ${node} accept` : ''}
  ${lines.join('\n  ')}
  reject with icmpx type admin-prohibited
}
`;
  };
  const chains =
    chain('Ingress', 'input', 'iif', 'from', 'saddr') + chain('Egress', 'output', 'oif', 'to', 'daddr');
  return chains === '' ? '' : `table inet pod {\n${chains}}\n`;
}

/** Returns one line for each port of a rule. */
function toLines(
  peers: readonly Json[] | undefined,
  ports: readonly Json[],
  endpoint: Endpoint,
  all: readonly Endpoint[],
  side: string,
): string[] {
  const addresses = peers?.flatMap((peer) => listAddresses(peer, endpoint, all));
  if (addresses?.length === 0) return [];
  const hosts = addresses === undefined ? '' : `ip ${side} { ${[...new Set(addresses)].join(', ')} } `;
  return ports.map(({ protocol, port }) => `${hosts}${protocol.toLowerCase()} dport ${port} accept`);
}

function listAddresses(peer: Json, endpoint: Endpoint, all: readonly Endpoint[]): string[] {
  if (peer.ipBlock !== undefined) return [peer.ipBlock.cidr];
  return all
    .filter((other) =>
      peer.namespaceSelector === undefined
        ? other.namespace === endpoint.namespace
        : isSelected(other.namespaceLabels, peer.namespaceSelector),
    )
    .filter((other) => peer.podSelector === undefined || isSelected(other.labels, peer.podSelector))
    .map(({ address }) => address);
}
