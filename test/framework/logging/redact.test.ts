import { describe, expect, test } from 'vitest';
import { openRaw } from './logger-helpers.ts';

describe('the log redacts a secret', () => {
  const secret = 'hunter2-xyzzy';

  async function rawOf(fields: object): Promise<string> {
    const { logging, raw } = await openRaw();
    logging.logger('pet').info({ ...fields, kept: 'kept' }, 'x');
    logging.logger('pet').child(fields).info({ kept: 'kept' }, 'x');
    expect(raw).toHaveLength(2);
    for (const line of raw)
      expect(JSON.parse(line)).toMatchObject({ service: 'pet', kept: 'kept', msg: 'x' });
    return raw.join('');
  }

  const keys = [
    ...['authorization', 'cookie', 'set-cookie', 'password', 'token', 'secret', 'credential', 'apiKey'],
    ...['api_key', 'api-key', 'x-internal', 'internal'],
  ];

  test.for(keys)('%s in a field of the entry', async (key) => {
    expect(await rawOf({ [key]: secret })).not.toContain(secret);
  });

  test.for(keys)('%s in an object of the entry', async (key) => {
    expect(await rawOf({ body: { [key]: secret, name: 'Rex' } })).not.toContain(secret);
  });

  test.for(keys)('%s in the headers of a request', async (key) => {
    expect(await rawOf({ request: { headers: { [key]: [secret] } } })).not.toContain(secret);
  });

  /** Creates an object with the secret under each of the names. */
  const withSecrets = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, secret]));

  test('in a nested object', async () => {
    expect(await rawOf({ a: { b: { c: withSecrets(keys) } } })).not.toContain(secret);
  });

  test.for([7, 8, 9, 20])('at a depth of %s objects', async (depth) => {
    let fields: object = withSecrets(keys);
    for (let index = 0; index < depth; index += 1) fields = { deeper: fields };
    expect(await rawOf(fields)).not.toContain(secret);
  });

  test('in an object of a list', async () => {
    expect(await rawOf({ users: [{ name: 'Alice', ...withSecrets(keys) }] })).not.toContain(secret);
  });

  test('under a name in capitals', async () => {
    const names = ['Authorization', 'Cookie', 'Set-Cookie', 'PASSWORD', 'Token'];
    expect(await rawOf({ headers: withSecrets(names) })).not.toContain(secret);
  });

  test('under a longer name', async () => {
    const names = ['proxy-authorization', 'access_token', 'refreshToken', 'newPassword'];
    expect(await rawOf({ body: withSecrets(names) })).not.toContain(secret);
  });

  test('in the properties of an error', async () => {
    const err = Object.assign(new Error('no'), { password: secret, headers: { authorization: secret } });
    expect(await rawOf({ err })).not.toContain(secret);
  });

  test('without changing the logged object', async () => {
    const fields = { password: secret, headers: { authorization: secret } };
    await rawOf(fields);
    expect(fields).toEqual({ password: secret, headers: { authorization: secret } });
  });
});
