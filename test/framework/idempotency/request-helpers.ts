import { request as undici } from 'undici';
import type { TestApp, TestResponse } from '../../support/app.ts';

export const rex = { name: 'Rex', species: 'dog' };

export const isReplayed = ({ headers }: TestResponse) => headers.get('idempotent-replayed') === 'true';

export const day = 24 * 60 * 60 * 1000;

export async function countPets({ send }: TestApp): Promise<number> {
  return (await send('GET', '/pet/pets/')).body.length;
}

/** A POST whose answer is not decompressed. */
export async function askRaw(url: string, headers: Record<string, string>) {
  const answer = await undici(url, { method: 'POST', headers });
  return { headers: answer.headers, body: Buffer.from(await answer.body.arrayBuffer()) };
}
