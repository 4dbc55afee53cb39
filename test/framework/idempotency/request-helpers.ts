import { request as undici } from 'undici';
import type { TestApp, TestResponse } from '../../support/app.ts';

export const rex = { name: 'Rex', species: 'dog' };

export const isReplayed = ({ headers }: TestResponse) => headers.get('idempotent-replayed') === 'true';

export const dayMs = 24 * 60 * 60 * 1000;

export async function countPets({ send }: TestApp): Promise<number> {
  return (await send('GET', '/pet/pets/')).body.length;
}

/** Sends a POST and returns the response without decompressing it. */
export async function postRaw(url: string, headers: Record<string, string>) {
  const response = await undici(url, { method: 'POST', headers });
  return { headers: response.headers, body: Buffer.from(await response.body.arrayBuffer()) };
}
