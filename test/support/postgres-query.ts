import { randomUUID } from 'node:crypto';
import pg from 'pg';

/** Runs a query on a new connection. Resolves with the rows, each an array of its columns. */
export async function queryPostgres(url: string, text: string): Promise<unknown[][]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}

/** Creates a database on a server. Resolves with its URL. */
export async function createPostgresDatabase(server: { readonly url: string }): Promise<string> {
  const name = `t${randomUUID().replaceAll('-', '')}`;
  await queryPostgres(server.url, `CREATE DATABASE ${name}`);
  return server.url.replace(/\/postgres$/, `/${name}`);
}
