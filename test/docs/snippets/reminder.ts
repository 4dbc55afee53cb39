import { Type } from '@sinclair/typebox';
import { defineService, getLogger } from '#framework';

export default defineService({
  name: 'reminder',
  description: 'Reminds users of visits.',
  options: Type.Object({
    everyMs: Type.Integer({ minimum: 1_000, default: 60_000 }),
    mailPassword: Type.String({ minLength: 1, examples: ['secret'] }),
  }),
  routes(_app, { options, job, onStart, onStop }) {
    onStart(() => getLogger().info('reminders begin'));
    job('send reminders', { everyMs: options.everyMs }, async (signal) => {
      if (!signal.aborted) getLogger().info('time to send reminders');
    });
    onStop(() => getLogger().info('reminders end'));
  },
});
