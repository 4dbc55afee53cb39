import { Type } from '@sinclair/typebox';
import { defineService } from '#framework';

export default defineService({
  name: 'reminder',
  description: 'Reminds users of visits.',
  options: Type.Object({
    everyMs: Type.Integer({ minimum: 1_000, default: 60_000 }),
    mailPassword: Type.String({ minLength: 1, examples: ['secret'] }),
  }),
  async register(app, { options, log }) {
    let timer: NodeJS.Timeout | undefined;
    app.addHook('onListen', async () => {
      timer = setInterval(() => log.info('time to send reminders'), options.everyMs);
    });
    app.addHook('onClose', async () => clearInterval(timer));
  },
});
