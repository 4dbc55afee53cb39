import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createExampleApp, type TestApp } from '../../support/app.ts';

describe('a string', () => {
  const texts: Record<string, string> = {
    'emoji of several code points': '👩‍👩‍👧‍👦🏳️‍🌈👍🏽🇩🇪',
    'combining marks, not normalized': 'e\u0301 \u00e9 \u1e9b\u0323 Z\u0335\u0321\u034a',
    'right-to-left text, and direction marks': 'שלום \u202e\u2066abc\u2069\u202c مرحبا',
    'all kinds of line ends': 'a\nb\rc\r\nd\u2028e\u2029f\u0085g\u000bh\u000c',
    'control characters': '\u0001a\u001b[31m\u007f\u0080\u009f',
    'characters without width': '\u200b\u200c\u200d\u2060\ufeff',
    'noncharacters, and the last code point': '\ufffe\uffff\u{1ffff}\u{10ffff}\ufffd',
    'surrounding spaces': ' \t\u00a0x\u3000 ',
    'JSON, SQL and HTML syntax': `"},{"id":1}' OR 1=1;--<script>\\u0000\\ud800&amp;%00`,
    'names of Object.prototype': '__proto__',
    'the maximum length, with four bytes per character': '😀'.repeat(200),
  };
  const escaped = (text: string) =>
    text.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

  /** Writes the string to every string field, and reads it back from every route. */
  async function roundTrip({ send }: TestApp, text: string, quoted: string): Promise<void> {
    const pet = await send('POST', '/pet/pets/', `{"name":${quoted},"species":${quoted},"mood":${quoted}}`);
    const user = await send('POST', '/user/users/', `{"name":${quoted}}`);
    expect([pet.status, user.status], JSON.stringify(text)).toEqual([200, 200]);
    const [petPath, userPath] = [`/pet/pets/${pet.body.id}`, `/user/users/${user.body.id}`];
    const seen = [
      pet.body,
      (await send('GET', petPath)).body,
      (await send('GET', `/pet/pets/?ids=${pet.body.id}`)).body[0],
      (await send('PATCH', petPath, `{"name":${quoted},"species":${quoted},"mood":${quoted}}`)).body,
      (await send('POST', `${userPath}/pets/${pet.body.id}`)).body.pets[0],
      (await send('GET', userPath)).body.pets[0],
    ];
    const same = { name: text, species: text, mood: text };
    for (const pet of seen) expect(pet).toMatchObject(same);
    expect((await send('PATCH', userPath, `{"name":${quoted}}`)).body).toMatchObject({
      name: text,
      pets: [same],
    });
    expect((await send('GET', userPath)).body.name).toBe(text);
  }

  test('is returned exactly as it was sent', async (t) => {
    const built = await createExampleApp(t);
    for (const text of Object.values(texts)) {
      await roundTrip(built, text, JSON.stringify(text));
      await roundTrip(built, text, `"${escaped(text)}"`);
    }
  });

  test('is returned exactly as it was sent, for random strings', async (t) => {
    const built = await createExampleApp(t);
    const text = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }),
      fc.string({ unit: 'grapheme-composite', minLength: 1, maxLength: 20 }),
    );
    await fc.assert(
      fc.asyncProperty(text, fc.boolean(), (text, isEscaped) =>
        roundTrip(built, text, isEscaped ? `"${escaped(text)}"` : JSON.stringify(text)),
      ),
      { numRuns: 50, seed: 5 },
    );
  });

  test('with U+0000 or half of a surrogate pair is 422, and nothing is stored', async (t) => {
    const { send } = await createExampleApp(t);
    await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
    await send('POST', '/user/users/', { name: 'Alice' });
    const listAll = async () => [
      (await send('GET', '/pet/pets/')).body,
      (await send('GET', '/user/users/')).body,
    ];
    const before = await listAll();
    for (const text of [
      '\\u0000',
      'a\\u0000b',
      '\\ud800',
      '\\udfff',
      'a\\udbffb',
      '\\ude00\\ud83d',
      '😀\\ud83d',
      '\\ud83d\\ud83d\\ude00',
    ]) {
      const requests: [string, string, string][] = [
        ['POST', '/pet/pets/', `{"name":"${text}","species":"dog"}`],
        ['PATCH', '/pet/pets/1', `{"name":"${text}","age":7}`],
        ['POST', '/user/users/', `{"name":"${text}"}`],
        ['PATCH', '/user/users/1', `{"name":"${text}","pets_ids":[]}`],
      ];
      for (const [method, path, body] of requests) {
        const response = await send(method, path, body);
        expect(response.status).toBe(422);
        expect(response.body.errors).toEqual([
          { in: 'body', pointer: '/name', detail: 'must match pattern "^[^\\u0000\\uD800-\\uDFFF]*$"' },
        ]);
      }
    }
    expect(await listAll()).toEqual(before);
  });
});
