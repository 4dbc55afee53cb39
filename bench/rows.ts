/** All rows, in the order of the table. */
import { alone } from './alone.ts';
import { events } from './events.ts';
import { guesses } from './guesses.ts';
import { onPostgres } from './on-postgres.ts';
import type { Row } from './result.ts';
import { rivals } from './rivals.ts';
import { secured } from './secured.ts';

export const rows: readonly Row[] = [...rivals, ...onPostgres, ...alone, secured, guesses, events];
