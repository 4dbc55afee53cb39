import {
  type ContainerConfig,
  folders,
  hasLocalCollector,
  writeContainerConfig,
} from './container-config.ts';
import { type Files, toYaml, withFirstLine } from './files.ts';
import { commandOf, graceSeconds, userId } from './pod.ts';
import { type DeployedApp, isServerReference, type System } from './system.ts';

/** The name, the database and the user of the PostgreSQL server. */
const server = { host: 'postgres', database: 'monolith', user: 'postgres' } as const;
const passwordName = 'POSTGRES_PASSWORD';
const collector = { host: 'collector', port: 4_318 } as const;

/** Writes the files for Docker Compose, by their names. */
export function writeCompose(system: System): Files {
  const hasCollector = hasLocalCollector(system);
  const config = writeContainerConfig(
    system,
    hasCollector ? `http://${collector.host}:${collector.port}` : undefined,
  );
  const databases = listDatabaseVariables(system);
  const compose = {
    name: system.namespace,
    services: {
      ...Object.fromEntries(system.apps.map((app) => [app.name, createApp(system, app, config, databases)])),
      ...(databases.length > 0 && { [server.host]: createServer() }),
      ...(hasCollector && { [collector.host]: createCollector() }),
    },
    configs: {
      config: { file: './config.yaml' },
      ...(hasCollector && { collector: { file: './collector.yaml' } }),
    },
    volumes: listVolumes(system, databases.length > 0),
  };
  return {
    'compose.yaml': toYaml(compose),
    'config.yaml': withFirstLine(config.text),
    '.env.example': writeExample(config, databases),
    ...(hasCollector && { 'collector.yaml': toYaml(collectorConfig) }),
  };
}

/** The variables that are the URL of a database. Compose sets them, because it brings the server. */
function listDatabaseVariables({ references }: System): string[] {
  return [...new Set(references.filter(isServerReference).map(({ name }) => name))].sort();
}

function createApp(system: System, app: DeployedApp, config: ContainerConfig, databases: readonly string[]) {
  const url = `postgres://${server.user}:\${${passwordName}:?}@${server.host}:5432/${server.database}`;
  const environment = config.variables.map(({ name, isOptional }) => [
    name,
    databases.includes(name) ? url : `\${${name}:${isOptional ? '-' : '?'}}`,
  ]);
  return {
    image: system.image,
    command: commandOf(app),
    environment: { NODE_ENV: 'production', ...Object.fromEntries(environment) },
    // Clients outside this machine come through a reverse proxy with TLS.
    ...(app.isGateway && { ports: [`127.0.0.1:${app.port}:${app.port}`] }),
    // Several containers cannot share a port of the machine.
    ...(app.hasReplicas && !app.isGateway && { deploy: { replicas: app.replicas } }),
    configs: [{ source: 'config', target: `${folders.config}/config.yaml` }],
    volumes: createMounts(app),
    tmpfs: [`${folders.temporary}:size=64m,mode=1777`],
    ...(databases.length > 0 && { depends_on: { [server.host]: { condition: 'service_healthy' } } }),
    healthcheck: createHealthCheck(app),
    user: `${userId}:${userId}`,
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    mem_limit: `${app.memory.slice(0, -2)}${app.memory.endsWith('Gi') ? 'g' : 'm'}`,
    stop_grace_period: `${graceSeconds(app, 0)}s`,
    restart: 'unless-stopped',
    // A change of the config replaces the containers.
    labels: { 'modular-monolith.config': config.hash },
  };
}

function createMounts(app: DeployedApp): string[] {
  const registry = `${app.name}-registry:${folders.config}`;
  return app.isStateful ? [`${app.name}-data:${folders.data}`, registry] : [registry];
}

function createHealthCheck({ port }: DeployedApp) {
  const script = `fetch('http://127.0.0.1:${port}/health').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))`;
  // Migrations run before the app listens.
  return {
    test: ['CMD', 'node', '-e', script],
    interval: '10s',
    timeout: '5s',
    retries: 3,
    start_period: '600s',
  };
}

function createServer() {
  return {
    image: 'postgres:18',
    environment: {
      POSTGRES_USER: server.user,
      POSTGRES_DB: server.database,
      POSTGRES_PASSWORD: `\${${passwordName}:?}`,
    },
    volumes: ['postgres:/var/lib/postgresql'],
    healthcheck: {
      // Over TCP, because the server listens only on a socket while it is being set up.
      test: ['CMD', 'pg_isready', '-h', '127.0.0.1', '-U', server.user, '-d', server.database],
      interval: '5s',
      timeout: '5s',
      retries: 3,
      start_period: '60s',
    },
    shm_size: '256m',
    stop_grace_period: '60s',
    security_opt: ['no-new-privileges:true'],
    restart: 'unless-stopped',
  };
}

function createCollector() {
  return {
    image: 'otel/opentelemetry-collector:0.140.0',
    command: ['--config=/etc/collector.yaml'],
    configs: [{ source: 'collector', target: '/etc/collector.yaml' }],
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    restart: 'unless-stopped',
  };
}

/** Prints what it receives. Replace the exporter by that of your system. */
const collectorConfig = {
  receivers: { otlp: { protocols: { http: { endpoint: `0.0.0.0:${collector.port}` } } } },
  exporters: { debug: { verbosity: 'basic' } },
  service: { pipelines: { traces: { receivers: ['otlp'], exporters: ['debug'] } } },
};

function listVolumes({ apps }: System, hasServer: boolean) {
  const names = apps.flatMap(({ name, isStateful }) =>
    isStateful ? [`${name}-data`, `${name}-registry`] : [`${name}-registry`],
  );
  return Object.fromEntries([...names, ...(hasServer ? ['postgres'] : [])].map((name) => [name, {}]));
}

function writeExample({ variables }: ContainerConfig, databases: readonly string[]): string {
  const own = variables.filter(({ name }) => !databases.includes(name));
  const lines = own.map(({ name, isOptional }) => (isOptional ? `# ${name}=\n` : `${name}=\n`));
  const password = databases.length > 0 ? [`${passwordName}=\n`] : [];
  const help = '# Copy it to .env and fill it in, for example from: openssl rand -hex 32\n';
  return withFirstLine(`${help}${[...lines, ...password].join('')}`);
}
