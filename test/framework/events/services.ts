import { Type } from '@sinclair/typebox';
import type { EventHandler } from '../../../src/framework/calls/peers.ts';
import { sql } from '../../../src/framework/database/drizzle.ts';
import type { CloudEvent } from '../../../src/framework/events/event-schemas.ts';
import type { Service } from '../../../src/framework/service/define-service.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';

export const migrations = new URL('../../fixtures/effects/migrations/', import.meta.url);

const Note = Type.Object({ text: Type.String({ maxLength: 200 }) });

/** A service that emits `note.added` for each note, and `note.removed`. */
export const note = defineService({
  name: 'note',
  description: 'Notes',
  migrations,
  events: { 'note.added': Note, 'note.removed': Type.Object({ id: Type.Integer() }) },
  routes(app, { database, emit }) {
    const { write } = database;
    const body = Type.Object({
      subject: Type.String({ maxLength: 200 }),
      texts: Type.Array(Type.String({ maxLength: 200 })),
    });
    app.post('/notes/', { schema: { hide: true, body } }, async ({ body: { subject, texts } }) => {
      await write(async () => {
        for (const text of texts) await emit('note.added', { subject, data: { text } });
      });
      return { ok: true };
    });
    app.delete('/notes/', { schema: { hide: true } }, async () => {
      await write(() => emit('note.removed', { subject: 1, data: { id: 1 } }));
      return { ok: true };
    });
  },
});

/** Writes the effect of an event into the consumer's table. */
export type WriteEffect = (event: CloudEvent) => Promise<unknown>;

export interface ReaderOptions {
  /** The handler of `note.added`; it writes one effect by default. */
  readonly handle?: (event: CloudEvent, write: WriteEffect) => ReturnType<EventHandler<CloudEvent>>;
  readonly snapshot?: (write: (text: string) => Promise<unknown>) => ReturnType<EventHandler<CloudEvent>>;
}

/** A service that consumes `note.added`, and shows the effects in their order. */
export function makeReader({ handle = (event, write) => () => write(event), snapshot }: ReaderOptions = {}) {
  return defineService({
    name: 'reader',
    description: 'Reads notes',
    migrations,
    peers: ['note'] as never[],
    routes(app, { database, peers }) {
      const insert = database.prepare(sql`INSERT INTO effect (event) VALUES (${sql.placeholder('event')})`);
      const select = database.prepare(sql`SELECT event FROM effect ORDER BY id`);
      const add = (event: string) => insert.run({ event });
      const { note } = peers as unknown as { note: { events(handlers: object, options?: object): void } };
      note.events(
        {
          'note.added': (event: CloudEvent) =>
            handle(event, ({ data }) => add((data as { text: string }).text)),
        },
        snapshot && { snapshot: () => snapshot(add) },
      );
      app.get('/effects/', { schema: { hide: true } }, async () =>
        ((await select.all()) as [string][]).map(([event]) => event),
      );
    },
  }) as unknown as Service;
}
