/** The rooms of src/framework. A room imports only rooms that stand after it, type imports included. */
export const rooms = [
  'testing',
  'app',
  'gateway',
  'service',
  'events',
  'database',
  'http',
  'idempotency',
  'auth',
  'calls',
  'tracing',
  'errors',
  'config',
  'logging',
  'openapi',
  'metrics',
  'context',
];

const roomRules = rooms.slice(1).map((room, index) => ({
  name: `room-${room}`,
  comment: `The room ${room} imports only the rooms below it.`,
  severity: 'error',
  from: { path: `^src/framework/${room}/` },
  to: { path: [`^src/framework/(${rooms.slice(0, index + 1).join('|')})/`, '^src/framework/index\\.ts$'] },
}));

/**
 * The allowed imports. Each rule has violations in test/framework/architecture-seeds.ts that it must find.
 * @type {import('dependency-cruiser').IConfiguration}
 */
export default {
  forbidden: [
    ...roomRules,
    {
      name: 'framework-in-rooms',
      comment: 'Each file of the framework is in a room of the list above; only the public API is outside.',
      severity: 'error',
      from: { path: `^src/framework/(?!(${rooms.join('|')})/|(index|start)\\.ts$)` },
      to: {},
    },
    {
      name: 'testing-in-tests-only',
      comment: 'The server does not load code that only tests need.',
      severity: 'error',
      from: { path: '^(src|scripts)/', pathNot: '^src/framework/testing/' },
      to: { path: '^src/framework/testing/' },
    },
    {
      name: 'no-import-of-tests',
      comment: 'Tests import the code; no code imports a test.',
      severity: 'error',
      from: { path: '^(src|scripts|tools|generated)/' },
      to: { path: '^test/' },
    },
    {
      name: 'framework-knows-no-service',
      comment:
        'The framework knows the services only by generated/services.ts, so a new service is only a new folder.',
      severity: 'error',
      from: { path: '^src/framework/' },
      to: { path: ['^src/services/', '^scripts/', '^src/main\\.ts$'] },
    },
    {
      name: 'generated-in-load-services-only',
      comment:
        'One file of the framework imports the list of services. The other files know no service and no contract.',
      severity: 'error',
      from: { path: '^src/framework/', pathNot: '^src/framework/app/load-services\\.ts$' },
      to: { path: '^generated/' },
    },
    {
      name: 'service-stays-in-its-folder',
      comment:
        'A service can be moved to another project: it imports its own folder, #framework, #framework/database and the types of the contract.',
      severity: 'error',
      from: { path: '^src/services/([^/]+)/' },
      to: {
        path: ['^src/', '^generated/', '^scripts/'],
        pathNot: ['^src/services/$1/', '^src/framework/(database/)?index\\.ts$', '^generated/'],
      },
    },
    {
      name: 'service-reaches-out-by-name',
      comment:
        'A service imports by #framework and #generated/*, because a relative path breaks when the folder moves.',
      severity: 'error',
      from: { path: '^src/services/([^/]+)/' },
      to: { path: ['^src/framework/', '^generated/'], dependencyTypesNot: ['aliased-subpath-import'] },
    },
    {
      name: 'contract-as-types-in-clients-only',
      comment: 'Only the files of a service that call its peers import from generated/.',
      severity: 'error',
      from: { path: '^src/services/', pathNot: '-client\\.ts$' },
      to: { path: '^generated/' },
    },
    {
      name: 'contract-as-types-only',
      comment: 'A service imports only api.d.ts from generated/.',
      severity: 'error',
      from: { path: '^src/services/' },
      to: { path: '^generated/', pathNot: '^generated/api\\.d\\.ts$' },
    },
    {
      name: 'contract-not-by-value',
      comment: 'A service imports from generated/ only by `import type`.',
      severity: 'error',
      from: { path: '^src/services/' },
      to: { path: '^generated/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-the-list-imports-services',
      comment: 'Only generated/services.ts imports services.',
      severity: 'error',
      from: { pathNot: ['^src/services/', '^generated/services\\.ts$', '^test/'] },
      to: { path: '^src/services/' },
    },
    {
      name: 'drizzle-in-few-files',
      comment: 'Only tables, repositories and the database room know Drizzle and SQLite.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: ['/tables\\.ts$', '[/-]repository\\.ts$', '^src/framework/database/'],
      },
      to: {
        path: [
          'node_modules/(drizzle-orm|better-sqlite3)/',
          '^(drizzle-orm|better-sqlite3)',
          '^node:sqlite$',
          '^src/framework/database/(index|sqlite/drizzle)\\.ts$',
        ],
      },
    },
    {
      name: 'drizzle-by-one-file',
      comment: 'Its ES modules take eight times as long to start as what database/drizzle.ts imports.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/framework/database/drizzle\\.ts$' },
      to: { path: ['node_modules/drizzle-orm/', '^drizzle-orm'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'undici-by-one-file',
      comment: 'Its main file takes five times as long to start as what calls/undici.ts imports.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/framework/calls/undici\\.ts$' },
      to: { path: ['node_modules/undici/', '^undici'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'node-http-by-one-file',
      comment: 'Importing it by value loads the fetch client inside Node.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/framework/(context/node-http\\.ts$|testing/)' },
      to: { path: '^(node:)?http$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'prometheus-in-metrics-only',
      comment:
        'The other files count in plain numbers. The library is loaded by the first request for the metrics.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/framework/metrics/registry\\.ts$' },
      to: { path: ['node_modules/@prometheus-io/', '^@prometheus-io/'] },
    },
    {
      name: 'opentelemetry-in-traces-only',
      comment: 'The other rooms use the interface in context/span.ts.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/framework/tracing/' },
      to: { path: ['node_modules/@opentelemetry/', '^@opentelemetry/'] },
    },
    {
      name: 'opentelemetry-when-configured',
      comment: 'An app without `traces` does not load the library.',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        path: ['node_modules/@opentelemetry/', '^@opentelemetry/'],
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'tokens-when-configured',
      comment: 'Without `auth` the start does not import the library for tokens.',
      severity: 'error',
      from: { path: '^src/framework/', pathNot: '^src/framework/testing/' },
      to: { path: '^src/framework/app/token-verifier\\.ts$', dynamic: false },
    },
    {
      name: 'jose-in-few-files',
      comment: 'The start reaches these files only by an import at run time.',
      severity: 'error',
      from: {
        path: '^src/framework/',
        pathNot: '^src/framework/(auth/(key-set|token-verifier)|testing/test-issuer)\\.ts$',
      },
      to: { path: ['node_modules/jose/', '^jose$'], dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'process-in-start-only',
      comment: 'The other files get what they need of the process as arguments.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/framework/app/start\\.ts$' },
      to: { path: '^(node:)?process$' },
    },
    {
      name: 'no-cycles',
      comment: 'Files that need each other belong in one file.',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'no-unresolved',
      comment: 'The rules above do not see an import that cannot be resolved.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-development-dependency-in-src',
      comment: 'npm start needs no development dependency.',
      severity: 'error',
      from: { path: '^(src|generated)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
    },
    moduleSystems: ['es6', 'cjs'],
    detectProcessBuiltinModuleCalls: true,
  },
};
