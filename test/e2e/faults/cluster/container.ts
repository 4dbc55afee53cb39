import { chmodSync, chownSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'vitest';
import { makeFolder } from '../../../support/app.ts';
import type { Json } from '../../../tools/deploy/helper.ts';
import { root, startProcess, type TestProcess } from '../../process/helper.ts';

/** The parts of a container. */
export interface Container {
  /** The network namespace. */
  readonly host: string;
  /** The spec of a pod with one container, and the claims of its StatefulSet. */
  readonly pod: Json;
  readonly claims: readonly Json[];
  readonly configMaps: readonly Json[];
  /** The keys of the Secret. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** Folders of this machine that stand in for the base of the image. */
const base = ['usr', 'etc', 'dev'];
const links = { bin: 'usr/bin', sbin: 'usr/sbin', lib: 'usr/lib', lib64: 'usr/lib64' };

/**
 * Returns a function that runs commands in a container, as its manifest says: with the user, the volumes and the variables of
 * the manifest, no capability, and a read-only root. It runs the programs of this machine and the code of this project.
 */
export function createContainer(t: TestContext, { host, pod, claims, configMaps, secrets }: Container) {
  const [container] = pod.containers;
  const { runAsUser, runAsGroup, fsGroup } = pod.securityContext;
  const folder = makeFolder(t);
  const image = join(folder, 'root');
  for (const name of ['app', 'proc', 'node', ...base]) mkdirSync(join(image, name), { recursive: true });
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(image, name));

  /** Creates the folder of a volume. Returns undefined for a ConfigMap. */
  const createVolume = (name: string): string => {
    const path = join(folder, 'volumes', name);
    mkdirSync(path, { recursive: true });
    // A claim belongs to root. The group of the pod lets the user write.
    chownSync(path, 0, fsGroup ?? 0);
    chmodSync(path, claims.some(({ metadata }) => metadata.name === name) ? 0o2775 : 0o2777);
    const map = pod.volumes.find((one: Json) => one.name === name)?.configMap;
    const isDeclared = [
      ...pod.volumes.map((one: Json) => one.name),
      ...claims.map((one) => one.metadata.name),
    ];
    if (!isDeclared.includes(name)) throw new Error(`the pod has no volume ${name}`);
    const data = map && configMaps.find(({ metadata }) => metadata.name === map.name)?.data;
    if (map !== undefined && data === undefined) throw new Error(`there is no ConfigMap ${map.name}`);
    for (const [file, text] of Object.entries<string>(data ?? {}))
      writeFileSync(join(path, file), text, { mode: map.defaultMode });
    return path;
  };
  const volumes = new Map<string, string>();
  const mounts: string[] = container.volumeMounts.map(({ name, mountPath, subPath = '', readOnly }: Json) => {
    if (!volumes.has(name)) volumes.set(name, createVolume(name));
    const source = join(volumes.get(name) as string, subPath);
    const target = join(image, mountPath);
    // A mount inside another one needs a file or a folder there. Kubernetes creates it too.
    const create = subPath === '' ? `mkdir -p ${target}` : `touch ${target}`;
    return `${create}; mount --bind ${source} ${target}${readOnly ? `; mount -o remount,ro,bind ${target}` : ''}`;
  });
  const modules = dirname(realpathSync(join(root, 'node_modules/fastify')));
  const script = [
    // Otherwise this machine would get the mounts too.
    'set -e; mount --make-rprivate /',
    `mount --bind ${image} ${image}`,
    ...base.map((name) => `mount --rbind /${name} ${image}/${name}`),
    `mount -t proc proc ${image}/proc`,
    `mount --bind ${root} ${image}/app; mount -o remount,ro,bind ${image}/app`,
    `mount --bind ${modules} ${image}/app/node_modules`,
    `mount --bind ${dirname(process.execPath)} ${image}/node`,
    ...mounts,
    ...(container.securityContext.readOnlyRootFilesystem ? [`mount -o remount,ro,bind ${image}`] : []),
    'exec env -i "$@"',
  ].join('\n');
  const variables = container.env.map(({ name, value, valueFrom }: Json) => {
    if (value !== undefined) return `${name}=${value}`;
    const { key, optional } = valueFrom.secretKeyRef;
    if (secrets[key] === undefined && optional !== true) throw new Error(`the Secret has no key ${key}`);
    return secrets[key] === undefined ? undefined : `${name}=${secrets[key]}`;
  });
  const environment = [
    ...variables.filter((one: string | undefined) => one !== undefined),
    // As in the Dockerfile.
    'PATH=/node:/usr/sbin:/usr/bin:/sbin:/bin',
    'NODE_COMPILE_CACHE=/tmp/node-compile-cache',
  ];
  const confine = [
    ...['chroot', `--userspec=${runAsUser}:${runAsGroup}`, `--groups=${fsGroup ?? runAsGroup}`, image],
    ...['setpriv', '--no-new-privs', '--bounding-set=-all', '--inh-caps=-all'],
    ...['sh', '-c', 'cd /app && exec "$@"', 'sh'],
  ];
  /** Runs a command. `ip` changes the namespaces, and becomes the command: it receives the signals. */
  return (command: readonly string[]): TestProcess =>
    startProcess(t, 'ip', [
      'netns',
      'exec',
      host,
      'sh',
      '-c',
      script,
      'sh',
      ...environment,
      ...confine,
      ...command,
    ]);
}
