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

  test('in the properties of an error that is not the field err', async () => {
    const error = Object.assign(new Error('no'), { config: { headers: { authorization: secret } } });
    expect(await rawOf({ reason: error })).not.toContain(secret);
    expect(await rawOf({ results: [{ status: 'rejected', reason: error }] })).not.toContain(secret);
    expect(await rawOf({ err: new AggregateError([error], 'all') })).not.toContain(secret);
  });

  test('in the JSON of an object', async () => {
    class Session {
      readonly token = secret;
      toJSON() {
        return { ...this };
      }
    }
    expect(await rawOf({ session: new Session() })).not.toContain(secret);
    expect(await rawOf({ session: { toJSON: () => ({ token: secret }) } })).not.toContain(secret);
  });

  test('without changing the logged object', async () => {
    const fields = { password: secret, headers: { authorization: secret } };
    await rawOf(fields);
    expect(fields).toEqual({ password: secret, headers: { authorization: secret } });
  });
});

describe('the log shows', () => {
  async function entryOf(fields: object) {
    const { logging, raw } = await openRaw();
    logging.logger('pet').info(fields, 'x');
    return { length: raw.join('').length, ...JSON.parse(raw.join('')) };
  }

  test('the message of each error', async () => {
    const error = new Error('outer', { cause: new Error('inner') });
    expect(await entryOf({ reasons: [error] })).toMatchObject({
      reasons: [{ type: 'Error', message: 'outer', cause: { message: 'inner' } }],
    });
    expect(await entryOf({ err: new AggregateError([error], 'all') })).toMatchObject({
      err: { type: 'AggregateError', message: 'all', aggregateErrors: [{ message: 'outer' }] },
    });
  });

  test('an object that contains itself once', async () => {
    const error = new Error('circular');
    error.cause = error;
    const tree = { name: 'root', error, children: [] as object[] };
    for (let id = 0; id < 30; id += 1) tree.children.push({ id, parent: tree });
    const { length, tree: shown } = await entryOf({ tree });
    expect(shown).toMatchObject({ error: { cause: '[circular]' } });
    expect(shown.children[29]).toEqual({ id: 29, parent: '[circular]' });
    expect(length).toBeLessThan(4_000);
  });

  test('an object whose JSON is another such object', async () => {
    const endless = { toJSON: () => ({ ...endless }) };
    expect(await entryOf({ endless })).toMatchObject({ endless: '[too deep]' });
  });

  test('a date, a URL, bytes and an object whose JSON fails', async () => {
    const broken = {
      toJSON() {
        throw new Error('no');
      },
    };
    const fields = { at: new Date(0), url: new URL('http://a/'), bytes: Buffer.from('a'), broken };
    expect(await entryOf(fields)).toMatchObject({
      ...{ at: '1970-01-01T00:00:00.000Z', url: 'http://a/', broken: '[Object]' },
      bytes: { type: 'Buffer', data: [97] },
    });
  });
});
