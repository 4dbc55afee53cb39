import { describe, expect, test } from 'vitest';
import { findSyntaxError } from '../../../src/framework/http/json-position.ts';
import { createExampleApp } from '../../support/app.ts';
import { exchange, sendRaw } from '../../support/sockets.ts';

const text = '{"name":"Alice"}';

describe('the media type of a body', () => {
  /** Whole lines of headers, and the status. */
  const types: Record<string, readonly [type: string, status: number]> = {
    'that is JSON': ['application/json', 200],
    'in capitals': ['Application/JSON', 200],
    'with a space behind it': ['application/json ', 200],
    'with a tab behind it': ['application/json\t', 200],
    'that says UTF-8': ['application/json; charset=utf-8', 200],
    'that says UTF-8 in capitals': ['application/json;CHARSET=UTF-8', 200],
    'that says UTF-8 in quotes': ['application/json; charset="utf-8"', 200],
    'with whitespace around the semicolon': ['application/json \t;\t charset=utf-8', 200],
    'with a parameter that nobody knows': ['application/json; version=1', 200],
    'with a quoted parameter that looks like others': ['application/json; v="; charset=utf-16"', 200],
    'with a semicolon and nothing behind it': ['application/json;', 200],
    'with two semicolons': ['application/json; ; charset=utf-8', 200],

    'that says UTF-16': ['application/json; charset=utf-16', 415],
    'that says Latin-1 in quotes': ['application/json; charset="iso-8859-1"', 415],
    'that says UTF-8 and UTF-16': ['application/json; charset=utf-8; charset=utf-16', 415],
    'that says UTF-16 behind another parameter': ['application/json; v="a;b\\""; charset=utf-16', 415],
    'that says no encoding': ['application/json; charset=', 415],
    'with a parameter without a value': ['application/json; charset', 415],
    'with a space before the equals sign': ['application/json; charset =utf-8', 415],
    'with a quote without an end': ['application/json; v="', 415],
    'with a comma': ['application/json, application/json', 415],
    'with words behind it': ['application/json utf-8', 415],
    'without its second half': ['application', 415],
    'with an empty second half': ['application/', 415],
    'that begins like JSON': ['application/jsonp', 415],
    'of a kind of JSON': ['application/merge-patch+json', 415],
    'of plain text': ['text/plain', 415],
  };

  for (const [name, [type, status]] of Object.entries(types)) {
    test(`${name} is ${status}: ${JSON.stringify(type)}`, async (t) => {
      const { url } = await createExampleApp(t);
      const length = `content-length: ${text.length}`;
      const head = `POST /user/users/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${length}`;
      const [answer] = await exchange(t, url, `${head}\r\ncontent-type: ${type}\r\n\r\n${text}`);
      expect(answer?.status).toBe(status);
      if (status === 415) expect(answer?.headers.get('accept')).toBe('application/json');
    });
  }

  test('with thousands of spaces is read as fast as any other', async (t) => {
    const { url } = await createExampleApp(t);
    const type = `content-type: application/json${`;${' '.repeat(100)}`.repeat(100)}x`;
    const begun = performance.now();
    const answer = await sendRaw(t, url, {
      method: 'POST',
      path: '/user/users/',
      headers: [type],
      body: text,
    });
    expect(answer.status).toBe(415);
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});

describe('the content coding of a body', () => {
  const post = (coding: string, body: string) =>
    `POST /user/users/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n${coding}content-length: ${body.length}\r\n\r\n${body}`;

  test.for(['gzip', 'br', 'foo', 'identity, gzip'])('is rejected: %s', async (coding, t) => {
    const { url } = await createExampleApp(t);
    const [answer] = await exchange(t, url, post(`content-encoding: ${coding}\r\n`, text));
    expect(answer?.status).toBe(415);
    expect(answer?.headers.get('accept-encoding')).toBe('identity');
    expect(answer?.body.detail).toBe('The body must be sent without a content coding');
  });

  test.for(['', 'content-encoding: identity\r\n', 'content-encoding: Identity\r\n', 'content-encoding:\r\n'])(
    'is none, and the body is read: %j',
    async (coding, t) => {
      const { url } = await createExampleApp(t);
      expect((await exchange(t, url, post(coding, text)))[0]?.status).toBe(200);
    },
  );

  test('says nothing of a body that is empty', async (t) => {
    const { url } = await createExampleApp(t);
    const answer = post('content-encoding: gzip\r\n', '').replace('/user/users/', '/pet/pets/1/treat');
    expect((await exchange(t, url, answer))[0]?.status).toBe(404);
  });
});

describe('a body that is not JSON', () => {
  const long = 'x'.repeat(5_000);
  const texts: Record<string, readonly [body: string, detail: string]> = {
    'a brace': ['{', ': at position 1'],
    'a text without its end': ['{"name":', ': at position 8'],
    'a comma too many': ['{"name":"Alice",}', ': at position 16'],
    'a value without quotes': ['{"name": hunter2}', ': at position 9'],
    'other quotes': ["{'name':'hunter2'}", ': at position 1'],
    'a word': ['hunter2', ': at position 0'],
    "words of V8's message": [' in JSON at position 7', ': at position 1'],
    'a tab in a string': ['{"name":"hun\tter2"}', ': at position 12'],
    'a value without quotes behind a byte order mark': ['\ufeff{"name": hunter2}', ': at position 10'],
    'a comma too many in a long text': [`{"name":"${long}",}`, ': at position 5011'],
    'a name without quotes in a long text': [`{"name":"${long}", hunter2: 1}`, ': at position 5012'],
    'a value without quotes in a long text': [`["${long}", hunter2]`, ''],
  };

  for (const [name, [text, where]] of Object.entries(texts)) {
    test(`is 400, with the position and no quotation: ${name}`, async (t) => {
      const { send } = await createExampleApp(t);
      const answer = await send('POST', '/user/users/', text);
      expect(answer.status).toBe(400);
      expect(answer.body.detail).toBe(`The body is not JSON${where}`);
      expect(JSON.stringify(answer.body)).not.toContain('hunter2');
    });
  }

  test('has its position where the text stops being JSON, for every cut and every typing mistake', () => {
    const whole = '{"a": [1, -2.5e3, true, null, "x\\u0041\\n"], "b": {}}';
    for (let index = 0; index < whole.length; index += 1) {
      expect([index, findSyntaxError(whole.slice(0, index))]).toEqual([index, index]);
      const wrong = `${whole.slice(0, index)}\u0001${whole.slice(index)}`;
      expect([index, findSyntaxError(wrong)]).toEqual([index, index]);
    }
  });
});

test('a member that would be the prototype of the body is dropped', async (t) => {
  const { send } = await createExampleApp(t);
  for (const name of ['"__proto__":{"name":"Eve"}', '"constructor":{"prototype":{"name":"Eve"}}']) {
    const { status, body } = await send('POST', '/user/users/', `{"name":"Alice",${name}}`);
    expect([name, status, body.name]).toEqual([name, 200, 'Alice']);
  }
});
