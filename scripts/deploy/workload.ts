import { internalLimits } from '../../src/framework/config/limits.ts';
import { type ContainerConfig, folders } from './container-config.ts';
import { labelsOf, type Manifest, selectorOf } from './manifest.ts';
import { commandOf, graceSeconds, preStopSeconds, userId } from './pod.ts';
import type { DeployedApp, System } from './system.ts';

/** s between two attempts of the startup probe. */
const startEverySeconds = 2;

/** The name of the Secret, which the user creates. */
export const secretName = 'variables';

/** Creates the StatefulSet of an app with files, or the Deployment of another. */
export function createWorkload(system: System, app: DeployedApp, config: ContainerConfig): Manifest {
  const labels = labelsOf(system, app.name);
  const template = {
    metadata: { labels, ...(system.config.metrics && { annotations: scrapeAnnotations(app) }) },
    spec: createPod(system, app, config),
  };
  const selector = { matchLabels: selectorOf(app.name) };
  const metadata = { name: app.name, namespace: system.namespace, labels };
  if (app.isStateful) {
    return {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata,
      spec: {
        replicas: 1,
        serviceName: app.name,
        selector,
        template,
        // The registry of known databases is apart from them, so that the app notices when they are missing.
        volumeClaimTemplates: [createClaim('data', app.storage), createClaim('registry', '16Mi')],
      },
    };
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    // Without `replicas`, because the HorizontalPodAutoscaler sets them.
    spec: {
      revisionHistoryLimit: 3,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      selector,
      template,
    },
  };
}

function createClaim(name: string, storage: string) {
  return {
    metadata: { name },
    spec: { accessModes: ['ReadWriteOncePod'], resources: { requests: { storage } } },
  };
}

/** A convention of Prometheus. Each replica is scraped by its own address. */
function scrapeAnnotations({ port }: DeployedApp) {
  return {
    'prometheus.io/scrape': 'true',
    'prometheus.io/port': String(port),
    'prometheus.io/path': '/metrics',
  };
}

function createPod(system: System, app: DeployedApp, config: ContainerConfig) {
  const registry = app.isStateful ? [] : [{ name: 'registry', emptyDir: { sizeLimit: '1Mi' } }];
  return {
    terminationGracePeriodSeconds: graceSeconds(app),
    automountServiceAccountToken: false,
    // Otherwise Kubernetes sets variables like PET_PORT, which a config may use.
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: userId,
      runAsGroup: userId,
      fsGroup: userId,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...(!app.isStateful && { topologySpreadConstraints: [spreadOver(app)] }),
    containers: [createContainer(system, app, config)],
    volumes: [
      { name: 'config', configMap: { name: configName(config), defaultMode: 0o444 } },
      ...registry,
      { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
    ],
  };
}

function spreadOver({ name }: DeployedApp) {
  return {
    maxSkew: 1,
    topologyKey: 'kubernetes.io/hostname',
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: selectorOf(name) },
  };
}

export function configName({ hash }: ContainerConfig): string {
  return `config-${hash}`;
}

function createContainer({ image }: System, app: DeployedApp, config: ContainerConfig) {
  const data = app.isStateful ? [{ name: 'data', mountPath: folders.data }] : [];
  return {
    name: 'app',
    image,
    command: commandOf(app),
    env: createEnvironment(config),
    ports: [{ name: 'http', containerPort: app.port }],
    ...createProbes(),
    lifecycle: { preStop: { sleep: { seconds: preStopSeconds } } },
    // No limit of cores, because it would stop the event loop for parts of each second.
    resources: { requests: { cpu: app.cpu, memory: app.memory }, limits: { memory: app.memory } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      ...data,
      { name: 'registry', mountPath: folders.config },
      { name: 'config', mountPath: `${folders.config}/config.yaml`, subPath: 'config.yaml', readOnly: true },
      { name: 'tmp', mountPath: folders.temporary },
    ],
  };
}

function createEnvironment({ variables }: ContainerConfig) {
  return [
    { name: 'NODE_ENV', value: 'production' },
    ...variables.map(({ name, isOptional }) => ({
      name,
      valueFrom: { secretKeyRef: { name: secretName, key: name, ...(isOptional && { optional: true }) } },
    })),
  ];
}

/** `/health` says whether to restart a pod, `/ready` whether to send it requests. See docs/operations.md. */
function createProbes() {
  const get = (path: string) => ({ httpGet: { path, port: 'http' } });
  return {
    // Migrations run before the app listens.
    startupProbe: {
      ...get('/health'),
      periodSeconds: startEverySeconds,
      failureThreshold: Math.ceil(internalLimits.startMs / 1_000 / startEverySeconds),
    },
    livenessProbe: { ...get('/health'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
    readinessProbe: { ...get('/ready'), periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2 },
  };
}
