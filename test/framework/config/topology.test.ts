import { expect, test } from 'vitest';
import { ConfigError } from '../../../src/framework/config/config.ts';
import { isLoopback } from '../../../src/framework/config/exposure.ts';
import {
  addressOf,
  appOf,
  checkPeer,
  gatewayName,
  toConnectHost,
} from '../../../src/framework/config/topology.ts';

const app = { host: '127.0.0.1', port: 8000, instances: 1, services: [] };

test.for([
  ['127.0.0.1', '127.0.0.1'],
  ['pets.example', 'pets.example'],
  ['0.0.0.0', '127.0.0.1'],
  ['::', '[::1]'],
  ['fe80::1', '[fe80::1]'],
])('the host to connect to for %s is %s', ([host, expected]) => {
  expect(toConnectHost(host as string)).toBe(expected);
});

test('the address of an app is its url, or its host and port', () => {
  expect(addressOf(app)).toBe('http://127.0.0.1:8000');
  expect(addressOf({ ...app, host: '::' })).toBe('http://[::1]:8000');
  expect(addressOf({ ...app, url: 'http://pets.example:80/' })).toBe('http://pets.example:80');
});

test('the gateway is the first app, and each service has one app', () => {
  const config = {
    apps: { front: app, back: { ...app, services: ['pet'] } },
  } as unknown as Parameters<typeof appOf>[0];
  expect(gatewayName(config)).toBe('front');
  expect(appOf(config, 'pet')).toBe('back');
  expect(() => appOf(config, 'toy')).toThrow('No app runs the toy service');
});

test.for([
  ['127.0.0.1', true],
  ['127.8.9.10', true],
  ['localhost', true],
  ['::1', true],
  ['10.0.0.1', false],
  ['192.168.127.1', false],
  ['127.example', false],
  ['0.0.0.0', false],
  ['::', false],
] as const)('whether %s is a loopback address: %s', ([host, expected]) => {
  expect(isLoopback(host)).toBe(expected);
});

test('a peer that no app runs, or that is no service, is an error of the config', () => {
  const config = {
    file: '/somewhere/config.yaml',
    apps: { front: { ...app, services: ['user'] }, back: { ...app, services: ['pet'] } },
  } as unknown as Parameters<typeof checkPeer>[0];
  const check = (peer: string) => checkPeer(config, ['pet', 'toy', 'user'], 'user', peer);
  check('pet');
  check('user');
  expect(() => check('toy')).toThrow(ConfigError);
  expect(() => check('toy')).toThrow(
    /^config.yaml: user calls toy, which no app runs: add toy to services and to the services of an app$/,
  );
  expect(() => check('pets')).toThrow(ConfigError);
  expect(() => check('pets')).toThrow(/^user calls pets, which is not a service \(known: pet, toy, user\)$/);
});
