import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../../src/framework/config/config.ts';
import { makeFolder } from '../../support/app.ts';
import {
  gateway,
  messageOf,
  read,
  services,
  testMistakes,
  validServices,
  withApps,
  withKeys,
  withMail,
  withServices,
} from './config-helpers.ts';

describe('a mistake is an error of one line that names the file and the path', () => {
  const portRange = 'apps.gateway.port must be an integer from 0 to 65535';
  const levels = 'one of trace, debug, info, warn, error, fatal, silent';
  const address = 'apps.gateway.url must be an address like http://host:port';
  const mistakes: Record<string, [text: string, message: string]> = {
    'an unknown key at the top': [
      withKeys('logs: {}'),
      'logs is not a known key (known: log, calls, limits, docs, compress, origins, hosts, hsts, metrics, proxies, internal, auth, traces, deploy, services, apps)',
    ],
    'an unknown key of log': [
      withKeys('log: { folder: logs }'),
      'log.folder is not a known key (known: level, directory)',
    ],
    'an unknown key of calls': [
      withKeys('calls: { timeout: 1 }'),
      'calls.timeout is not a known key (known: deadline)',
    ],
    'an unknown key of a service': [
      withServices('{ pet: { databse: x } }'),
      'services.pet.databse is not a known key (known: database, log, events, options)',
    ],
    'an unknown key of the log of a service': [
      withServices('{ pet: { database: sqlite:x, log: { level: info, directory: x } } }'),
      'services.pet.log.directory is not a known key (known: level)',
    ],
    'an unknown key of an app': [
      withApps('{ gateway: { prot: 8000, port: 8000, services: [pet, user] } }'),
      'apps.gateway.prot is not a known key (known: host, port, instances, url, services, deploy)',
    ],
    'a misspelled key instead of a required one': [
      withApps('{ gateway: { prot: 8000, services: [pet, user] } }'),
      'apps.gateway.prot is not a known key (known: host, port, instances, url, services, deploy)',
    ],
    'an invalid name of an app': [
      withApps('{ Gate_way: { port: 8000, services: [pet, user] } }'),
      'apps.Gate_way is not a name: lower-case letters, digits and "-"',
    ],
    'an invalid name of a service': [
      withServices('{ Pet: {} }'),
      'services.Pet is not a name: lower-case letters, digits and "-"',
    ],

    'missing services': [`apps: ${gateway}`, 'services is missing'],
    'missing apps': [validServices, 'apps is missing'],
    'no app': [withApps('{}'), 'apps must have at least one entry'],
    'a missing port': [withApps('{ gateway: { services: [pet, user] } }'), 'apps.gateway.port is missing'],
    'missing services of an app': [
      withApps('{ gateway: { port: 8000 } }'),
      'apps.gateway.services is missing',
    ],
    'a missing database of a service': [withServices('{ pet: {} }'), 'services.pet.database is missing'],
    'a missing log level of a service': [
      withServices('{ pet: { database: sqlite:x, log: {} } }'),
      'services.pet.log.level is missing',
    ],

    'an empty file': ['', 'the file must be a map'],
    'a list': ['- pet', 'the file must be a map'],
    'an empty log': [withKeys('log:'), 'log must be a map'],
    'calls that are a number': [withKeys('calls: 1000'), 'calls must be a map'],
    'an unknown log level': [withKeys('log: { level: loud }'), `log.level must be ${levels}`],
    'a directory that is a number': [
      withKeys('log: { directory: 5 }'),
      'log.directory must be the path of a folder',
    ],
    'a deadline of 0': [
      withKeys('calls: { deadline: 0 }'),
      'calls.deadline must be an integer from 1 to 60000, in ms',
    ],
    'a deadline that is a string': [
      withKeys('calls: { deadline: 1s }'),
      'calls.deadline must be an integer from 1 to 60000, in ms',
    ],
    'an unknown limit': [
      withKeys('limits: { time: { body: 1 } }'),
      'limits.time.body is not a known key (known: headers, request, handler, answer, idle)',
    ],
    'a limit out of its bounds': [
      withKeys('limits: { body: 1 }'),
      'limits.body must be an integer from 1024 to 16777216, in bytes',
    ],
    'too few unread bytes': [
      withKeys('limits: { unread: 1 }'),
      'limits.unread must be an integer from 1048576 to 17179869184, in bytes',
    ],
    'an origin with a path': [
      withKeys('origins: [https://a.example/app]'),
      'origins.0 must be an origin like https://host:port, or "*"',
    ],
    'a host with a port': [
      withKeys('hosts: ["api.example:443"]'),
      'hosts.0 must be a host name or an address without a port, or "*"',
    ],
    'hosts that are a string': [
      withKeys('hosts: api.example'),
      'hosts must be a list of host names, like [localhost] or ["*"]',
    ],
    'hsts without an age': [withKeys('hsts: {}'), 'hsts.maxAge is missing'],
    'hsts that is true': [withKeys('hsts: true'), 'hsts must be a map'],
    'an age of hsts that is a string': [
      withKeys('hsts: { maxAge: 1y }'),
      'hsts.maxAge must be an integer from 0 to 63072000, in seconds',
    ],
    'docs that are a path': [withKeys('docs: /docs'), 'docs must be true or false'],
    'a proxy that is no address': [
      withKeys('proxies: [10.0.0.0/33]'),
      'proxies.0 must be an address, or a network like 10.0.0.0/8',
    ],
    'a short key': [
      withKeys('internal: { key: hunter2 }'),
      'internal.key must be 16 to 256 characters without a space',
    ],
    'a key of 15 characters': [
      withKeys('internal: { key: 123456789abcdef }'),
      'internal.key must be 16 to 256 characters without a space',
    ],
    'a ratio just over 1': [
      withKeys('traces: { url: "http://collector:4318", ratio: 1.01 }'),
      'traces.ratio must be a number from 0 to 1',
    ],
    'a ratio below 0': [
      withKeys('traces: { url: "http://collector:4318", ratio: -0.01 }'),
      'traces.ratio must be a number from 0 to 1',
    ],
    'a proxy that is a host name': [
      withKeys('proxies: [proxy.example]'),
      'proxies.0 must be an address, or a network like 10.0.0.0/8',
    ],
    'a proxy with a string as prefix length': [
      withKeys('proxies: [10.0.0.0/x]'),
      'proxies.0 must be an address, or a network like 10.0.0.0/8',
    ],
    '65 instances': [
      withApps('{ gateway: { port: 1, instances: 65, services: [pet, user] } }'),
      'apps.gateway.instances must be an integer from 1 to 64',
    ],
    'traces without a url': [withKeys('traces: {}'), 'traces.url is missing'],
    'an unknown key of deploy': [
      withKeys('deploy: { registry: x }'),
      'deploy.registry is not a known key (known: image, namespace, host)',
    ],
    'a namespace with a dot': [
      withKeys('deploy: { namespace: a.b }'),
      'deploy.namespace must be a name of lower-case letters, digits and "-"',
    ],
    'a host of deploy with a scheme': [
      withKeys('deploy: { host: "https://a.example" }'),
      'deploy.host must be a host name',
    ],
    'an image with a space': [
      withKeys('deploy: { image: "a b" }'),
      'deploy.image must be the reference of an image',
    ],
    'no replicas': [
      withApps('{ gateway: { port: 1, services: [pet, user], deploy: { replicas: 0 } } }'),
      'apps.gateway.deploy.replicas must be an integer from 1 to 100',
    ],
    'memory in bytes': [
      withApps('{ gateway: { port: 1, services: [pet, user], deploy: { memory: 512MB } } }'),
      'apps.gateway.deploy.memory must be a size like 512Mi or 1Gi',
    ],
    'cores with a fraction': [
      withApps('{ gateway: { port: 1, services: [pet, user], deploy: { cpu: "0.5" } } }'),
      'apps.gateway.deploy.cpu must be a text like "2" for cores, or 250m for thousandths',
    ],
    'an unknown key of traces': [
      withKeys('traces: { url: "http://collector:4318", sampler: all }'),
      'traces.sampler is not a known key (known: url, ratio)',
    ],
    'a collector without a scheme': [
      withKeys('traces: { url: "collector:4318" }'),
      'traces.url must be an address like http://host:4318',
    ],
    'a collector with a password': [
      withKeys('traces: { url: "http://a:b@collector:4318" }'),
      'traces.url must be an address like http://host:4318',
    ],
    'a ratio that is a percentage': [
      withKeys('traces: { url: "http://collector:4318", ratio: 50 }'),
      'traces.ratio must be a number from 0 to 1',
    ],
    'services that are a list': [withServices('[pet, user]'), 'services must be a map'],
    'an empty service': [withServices('{ pet: }'), 'services.pet must be a map'],
    'a database of another kind': [
      withServices('{ pet: { database: "mysql://host/pet" } }'),
      'services.pet.database must be "sqlite:" and a path, "sqlite::memory:", or "postgres://user@host/database"',
    ],
    'a database without a path': [
      withServices('{ pet: { database: "sqlite:" } }'),
      'services.pet.database must be "sqlite:" and a path, "sqlite::memory:", or "postgres://user@host/database"',
    ],
    'an unknown log level of a service': [
      withServices('{ pet: { database: sqlite:x, log: { level: loud } } }'),
      `services.pet.log.level must be ${levels}`,
    ],
    'an empty app': [withApps('{ gateway: }'), 'apps.gateway must be a map'],
    'a host that is a number': [
      withApps('{ gateway: { host: 1, port: 8000, services: [pet, user] } }'),
      'apps.gateway.host must be a host name or an address',
    ],
    'a port above the range': [withApps('{ gateway: { port: 65536, services: [pet, user] } }'), portRange],
    'a port below the range': [withApps('{ gateway: { port: -1, services: [pet, user] } }'), portRange],
    'a port with a fraction': [withApps('{ gateway: { port: 80.5, services: [pet, user] } }'), portRange],
    'a port that is a string': [withApps('{ gateway: { port: "8000", services: [pet, user] } }'), portRange],
    'an empty port': [withApps('{ gateway: { port: , services: [pet, user] } }'), portRange],
    'no instances': [
      withApps('{ gateway: { port: 1, instances: 0, services: [pet, user] } }'),
      'apps.gateway.instances must be an integer from 1 to 64',
    ],
    'a url without a scheme': [
      withApps('{ gateway: { port: 1, url: "pet:80", services: [pet, user] } }'),
      address,
    ],
    'a url with a path': [
      withApps('{ gateway: { port: 1, url: "http://pet:80/v1", services: [pet, user] } }'),
      address,
    ],
    'a url with a port above the range': [
      withApps('{ gateway: { port: 1, url: "http://pet:99999", services: [pet, user] } }'),
      address,
    ],
    'services of an app that are a string': [
      withApps('{ gateway: { port: 8000, services: pet } }'),
      'apps.gateway.services must be a list of names of services',
    ],
    'a name of a service that is a number': [
      withApps('{ gateway: { port: 8000, services: [pet, user, 7] } }'),
      'apps.gateway.services.2 must be the name of a service',
    ],

    'a service in no app': [
      withApps('{ gateway: { port: 8000, services: [pet] } }'),
      'services.user is in no app',
    ],
    'a service in two apps': [
      withApps('{ gateway: { port: 1, services: [pet, user] }, other: { port: 2, services: [pet] } }'),
      'apps.other.services: pet is also in apps.gateway',
    ],
    'a service twice in one app': [
      withApps('{ gateway: { port: 8000, services: [pet, user, pet] } }'),
      'apps.gateway.services: pet is listed twice',
    ],
    'an app with a service that is not configured': [
      withApps('{ gateway: { port: 8000, services: [pet, user, mail] } }'),
      'apps.gateway.services: mail is not under services',
    ],
    'an app with a service that has the name of an object member': [
      withApps('{ gateway: { port: 8000, services: [pet, user, constructor] } }'),
      'apps.gateway.services: constructor is not under services',
    ],
    'an unknown service': [
      withServices('{ dog: {} }'),
      'services.dog is not a service (known: pet, user, mail)',
    ],
    'two services with the same file': [
      withServices('{ pet: { database: sqlite:x.db }, user: { database: sqlite:./y/../x.db } }'),
      'services.user.database is also the file of services.pet',
    ],
    'a database of a service without a database': [
      withMail('{ database: sqlite:mail.db }'),
      'services.mail.database is set, but the service has no database',
    ],
    'a retention of events of a service without events': [
      withMail('{ events: { keep: 7d } }'),
      'services.mail.events is set, but the service has no events',
    ],
    'options of a service without options': [
      withServices('{ pet: { database: sqlite:x, options: { a: 1 } } }'),
      'services.pet.options is set, but the service has no options',
    ],
    'an unknown option of a service': [
      withMail('{ options: { retry: 5 } }'),
      'services.mail.options.retry is not a known key (known: retries, sender, server, password, mode)',
    ],
    'an option of another type': [
      withMail('{ options: { retries: many } }'),
      'services.mail.options.retries must be integer',
    ],
    'a missing nested option': [
      withMail('{ options: { server: {} } }'),
      'services.mail.options.server.port is missing',
    ],
    'an option that is none of its values': [
      withMail('{ options: { mode: slow } }'),
      'services.mail.options.mode must be one of fast, safe, 1',
    ],
    'an option that is none of its values, of another type': [
      withMail('{ options: { mode: null } }'),
      'services.mail.options.mode must be one of fast, safe, 1',
    ],
    'a level that is null': [withKeys('log: { level: }'), `log.level must be ${levels}`],
    'origins that are no list': [
      withKeys('origins: "*"'),
      'origins must be a list of origins, like ["https://host:port"] or ["*"]',
    ],
    'a path of a database that is a URL': [
      withServices('{ pet: { database: "sqlite://pet.db" } }'),
      'services.pet.database must be "sqlite:" and a path, "sqlite::memory:", or "postgres://user@host/database"',
    ],
    'several documents': [`${withApps(gateway)}---\n{}`, 'there are several documents: keep one'],
    'a variable without quotes in a map': [
      withApps('{ gateway: { port: ${PORT}, services: [pet, user] } }'),
      'Unexpected flow-map-start at node end at line 5, column 27: write the variable in quotes',
    ],
    'options that are a list': [withMail('{ options: [5] }'), 'services.mail.options must be a map'],
    'port 0 of an app that the gateway must reach': [
      withApps('{ gateway: { port: 1, services: [pet] }, other: { port: 0, services: [user] } }'),
      'apps.other.port is 0, but other apps must reach it: set a port or a url',
    ],
    'port 0 of a gateway with services that other apps may call': [
      withApps('{ gateway: { port: 0, services: [pet] }, other: { port: 1, services: [user] } }'),
      'apps.gateway.port is 0, but other apps must reach it: set a port or a url',
    ],

    'a host with a space': [
      withApps('{ gateway: { host: "a b", port: 8000, services: [pet, user] } }'),
      'apps.gateway.host must be a host name or an address',
    ],
    'a folder with a NUL': [
      withKeys('log: { directory: "a\\0b" }'),
      'log.directory must be the path of a folder',
    ],
    'a database with a NUL': [
      withServices('{ pet: { database: "sqlite:a\\0b" } }'),
      'services.pet.database must be "sqlite:" and a path, "sqlite::memory:", or "postgres://user@host/database"',
    ],
  };

  testMistakes(mistakes);

  test('a missing file', (t) => {
    const file = join(makeFolder(t), 'config.yaml');
    expect(messageOf(() => readConfig(file, services, {}))).toBe(`${file}: there is no such file`);
  });

  test('a folder instead of a file', (t) => {
    const folder = makeFolder(t);
    expect(messageOf(() => readConfig(folder, services, {}))).toBe(`${folder}: the file cannot be read`);
  });

  test('two services with the same file after the expansion of a variable', (t) => {
    const text = withServices('{ pet: { database: sqlite:x.db }, user: { database: "sqlite:${DB}" } }');
    expect(messageOf(() => read(t, text, { DB: 'x.db' }))).toBe(
      'config.yaml: services.user.database is also the file of services.pet',
    );
  });
});
