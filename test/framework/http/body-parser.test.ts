import { describe, expect, test } from 'vitest';
import { findSyntaxError } from '../../../src/framework/http/json-position.ts';
import { createExampleApp } from '../../support/app.ts';
import { exchange, sendRaw } from '../../support/sockets.ts';

const text = '{"name":"Alice"}';

describe('the media type of a body', () => {
  /** The value of `content-type`, and the status. */
  const types: Record<string, readonly [type: string, status: number]> = {
    'of JSON': ['application/json', 200],
    'in capitals': ['Application/JSON', 200],
    'with a trailing space': ['application/json ', 200],
    'with a trailing tab': ['application/json\t', 200],
    'with charset UTF-8': ['application/json; charset=utf-8', 200],
    'with charset UTF-8 in capitals': ['application/json;CHARSET=UTF-8', 200],
    'with charset UTF-8 in quotes': ['application/json; charset="utf-8"', 200],
    'with whitespace around the semicolon': ['application/json \t;\t charset=utf-8', 200],
    'with an unknown parameter': ['application/json; version=1', 200],
    'with a quoted value that contains a charset': ['application/json; v="; charset=utf-16"', 200],
    'with a trailing semicolon': ['application/json;', 200],
    'with two semicolons': ['application/json; ; charset=utf-8', 200],

    'with charset UTF-16': ['application/json; charset=utf-16', 415],
    'with charset Latin-1 in quotes': ['application/json; charset="iso-8859-1"', 415],
    'with charsets UTF-8 and UTF-16': ['application/json; charset=utf-8; charset=utf-16', 415],
    'with charset UTF-16 after another parameter': ['application/json; v="a;b\\""; charset=utf-16', 415],
    'with an empty charset': ['application/json; charset=', 415],
    'with a parameter without a value': ['application/json; charset', 415],
    'with a space before the equals sign': ['application/json; charset =utf-8', 415],
    'with an unclosed quote': ['application/json; v="', 415],
    'with a comma': ['application/json, application/json', 415],
    'with a trailing word': ['application/json utf-8', 415],
    'without a subtype': ['application', 415],
    'with an empty subtype': ['application/', 415],
    'with a subtype that starts with json': ['application/jsonp', 415],
    'of another JSON format': ['application/merge-patch+json', 415],
    'of plain text': ['text/plain', 415],
  };

  for (const [name, [type, status]] of Object.entries(types)) {
    test(`${name} is ${status}: ${JSON.stringify(type)}`, async (t) => {
      const { url } = await createExampleApp(t);
      const length = `content-length: ${text.length}`;
      const head = `POST /user/users/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${length}`;
      const [response] = await exchange(t, url, `${head}\r\ncontent-type: ${type}\r\n\r\n${text}`);
      expect(response?.status).toBe(status);
      if (status === 415) expect(response?.headers.get('accept')).toBe('application/json');
    });
  }

  test('with thousands of spaces is parsed in bounded time', async (t) => {
    const { url } = await createExampleApp(t);
    const type = `content-type: application/json${`;${' '.repeat(100)}`.repeat(100)}x`;
    const begun = performance.now();
    const response = await sendRaw(t, url, {
      method: 'POST',
      path: '/user/users/',
      headers: [type],
      body: text,
    });
    expect(response.status).toBe(415);
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});

describe('the media type of an empty body', () => {
  test.for(['application', 'application/', '/', 'text/plain', 'application/json', 'multipart/form-data'])(
    'is ignored, with a length and in chunks: %s',
    async (type, t) => {
      const { url } = await createExampleApp(t);
      const head = `POST /pet/pets/1/treat HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: ${type}`;
      for (const body of ['content-length: 0\r\n\r\n', 'transfer-encoding: chunked\r\n\r\n0\r\n\r\n'])
        expect((await exchange(t, url, `${head}\r\n${body}`))[0]?.status).toBe(404);
    },
  );
});

describe('the content coding of a body', () => {
  const post = (coding: string, body: string) =>
    `POST /user/users/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n${coding}content-length: ${body.length}\r\n\r\n${body}`;

  test.for(['gzip', 'br', 'foo', 'identity, gzip'])('is rejected: %s', async (coding, t) => {
    const { url } = await createExampleApp(t);
    const [response] = await exchange(t, url, post(`content-encoding: ${coding}\r\n`, text));
    expect(response?.status).toBe(415);
    expect(response?.headers.get('accept-encoding')).toBe('identity');
    expect(response?.body.detail).toBe('The body must be sent without a content coding');
  });

  test.for(['', 'content-encoding: identity\r\n', 'content-encoding: Identity\r\n', 'content-encoding:\r\n'])(
    'is accepted if it is absent, empty or identity: %j',
    async (coding, t) => {
      const { url } = await createExampleApp(t);
      expect((await exchange(t, url, post(coding, text)))[0]?.status).toBe(200);
    },
  );

  test('is ignored if the body is empty', async (t) => {
    const { url } = await createExampleApp(t);
    const treat = post('content-encoding: gzip\r\n', '').replace('/user/users/', '/pet/pets/1/treat');
    expect((await exchange(t, url, treat))[0]?.status).toBe(404);
  });
});

describe('a body that is not JSON', () => {
  const long = 'x'.repeat(5_000);
  const texts: Record<string, readonly [body: string, detail: string]> = {
    'a brace': ['{', ': at position 1'],
    'an incomplete text': ['{"name":', ': at position 8'],
    'a trailing comma': ['{"name":"Alice",}', ': at position 16'],
    'a value without quotes': ['{"name": hunter2}', ': at position 9'],
    'single quotes': ["{'name':'hunter2'}", ': at position 1'],
    'a word': ['hunter2', ': at position 0'],
    "words like those of V8's message": [' in JSON at position 7', ': at position 1'],
    'a tab in a string': ['{"name":"hun\tter2"}', ': at position 12'],
    'a value without quotes after a byte order mark': ['\ufeff{"name": hunter2}', ': at position 10'],
    'a trailing comma in a long text': [`{"name":"${long}",}`, ': at position 5011'],
    'a name without quotes in a long text': [`{"name":"${long}", hunter2: 1}`, ': at position 5012'],
    'a value without quotes in a long text': [`["${long}", hunter2]`, ''],
  };

  for (const [name, [text, where]] of Object.entries(texts)) {
    test(`is 400, and the detail has the position but not the text: ${name}`, async (t) => {
      const { send } = await createExampleApp(t);
      const response = await send('POST', '/user/users/', text);
      expect(response.status).toBe(400);
      expect(response.body.detail).toBe(`The body is not JSON${where}`);
      expect(JSON.stringify(response.body)).not.toContain('hunter2');
    });
  }

  test('findSyntaxError returns the position of the error, for every prefix and every inserted character', () => {
    const valid = '{"a": [1, -2.5e3, true, null, "x\\u0041\\n"], "b": {}}';
    for (let index = 0; index < valid.length; index += 1) {
      expect([index, findSyntaxError(valid.slice(0, index))]).toEqual([index, index]);
      const wrong = `${valid.slice(0, index)}\u0001${valid.slice(index)}`;
      expect([index, findSyntaxError(wrong)]).toEqual([index, index]);
    }
  });
});

test('a member that would set the prototype of the body is dropped', async (t) => {
  const { send } = await createExampleApp(t);
  for (const name of ['"__proto__":{"name":"Eve"}', '"constructor":{"prototype":{"name":"Eve"}}']) {
    const { status, body } = await send('POST', '/user/users/', `{"name":"Alice",${name}}`);
    expect([name, status, body.name]).toEqual([name, 200, 'Alice']);
  }
});
