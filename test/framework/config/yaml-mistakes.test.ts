import { describe, expect, test, vi } from 'vitest';
import { messageOf, read, testMistakes, withApps, withKeys } from './config-helpers.ts';

describe('a mistake in the YAML or in a variable is an error of one line', () => {
  const mistakes: Record<string, [text: string, message: string]> = {
    'a variable that is not set': [
      withApps('{ gateway: { port: "${GATEWAY_PORT}", services: [pet, user] } }'),
      'apps.gateway.port: the variable GATEWAY_PORT is not set',
    ],
    'a variable in a list, not set': [
      withApps('{ gateway: { port: 1, services: [pet, "${SECOND}"] } }'),
      'apps.gateway.services.1: the variable SECOND is not set',
    ],
    'a variable with the name of an object member, not set': [
      withApps('{ gateway: { port: 1, host: "${toString}", services: [pet, user] } }'),
      'apps.gateway.host: the variable toString is not set',
    ],
    'a variable without a name': [
      withApps('{ gateway: { port: "${}", services: [pet, user] } }'),
      'apps.gateway.port: ${} is not ${NAME} or ${NAME:-default}',
    ],
    'a variable with another kind of default': [
      withApps('{ gateway: { port: "${PORT-8000}", services: [pet, user] } }'),
      'apps.gateway.port: ${PORT-8000} is not ${NAME} or ${NAME:-default}',
    ],

    'an alias inside its map': [
      withKeys('log: &a { level: *a }'),
      'log.level: the alias is inside the value that it refers to',
    ],
    'an alias inside its list': ['&a [[*a]]', '0.0: the alias is inside the value that it refers to'],

    'a repeated key': [withKeys('log: {}\nlog: {}'), 'Map keys must be unique at line 7, column 1'],
    'a repeated key of an app': [
      withApps('{ gateway: { port: 8000, port: 8001, services: [pet, user] } }'),
      'Map keys must be unique at line 5, column 32',
    ],
    'invalid YAML': ['apps: a: b', 'Nested mappings are not allowed in compact mappings at line 1, column 7'],
    'a tab': ['apps:\n\tgateway:', 'Tabs are not allowed as indentation at line 2, column 1'],
  };

  testMistakes(mistakes);

  test('an alias without an anchor', (t) => {
    expect(messageOf(() => read(t, withKeys('log: *other')))).toMatch(/^config\.yaml: .*\bother\b.*$/);
  });

  test('a key that is a list, without a warning of the YAML library', (t) => {
    const warn = vi.spyOn(process, 'emitWarning');
    t.onTestFinished(() => warn.mockRestore());
    expect(messageOf(() => read(t, withKeys('? [a]\n: b')))).toMatch(
      /^config\.yaml: \[ a \] is not a known key/,
    );
    expect(warn).not.toHaveBeenCalled();
  });
});
