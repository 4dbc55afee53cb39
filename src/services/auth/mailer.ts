import { randomBytes } from 'node:crypto';
import { getLogger } from '#framework';
import type { AccountRepository } from './account-repository.ts';
import { linkMs, type MailKind, type MailRecord, type MailRepository } from './mail-repository.ts';
import type { MailOptions } from './options.ts';
import { hashToken } from './password-resets.ts';

/** The pause before the second try of a mail; it doubles with each try. Meanwhile no other process sends the mail. */
const claimMs = 60_000;

const maxTries = 5;

/** Their sum is less than `claimMs`, so that a try ends before another process may begin the next one. */
const timeouts = { connectionTimeout: 15_000, greetingTimeout: 15_000, socketTimeout: 25_000 };

/** Creates the job that sends the mails that wait. A mail may be sent twice if the process dies after it was sent. */
export function createMailer(mails: MailRepository, accounts: AccountRepository, options: MailOptions) {
  const texts: Readonly<Record<MailKind, (link: string) => { subject: string; text: string }>> = {
    reset: (link) => ({
      subject: 'Set a new password',
      text: `Open this link within 30 minutes to set a new password:\n\n${link}\n\nIf you did not ask for it, ignore this mail: nothing has changed.\n`,
    }),
    welcome: () => ({
      subject: 'Your account',
      text: 'Your account has been created. You can log in with the password that you chose.\n',
    }),
    known: (link) => ({
      subject: 'You have an account',
      text: `Someone tried to register with this address, which has an account already. If that was you, log in, or set a new password within 30 minutes:\n\n${link}\n\nIf it was not you, ignore this mail: nothing has changed.\n`,
    }),
  };

  /**
   * Creates a link with a new token. It is created when the mail is sent, because the database stores only the hash of
   * the token.
   */
  async function createLink(accountId: number): Promise<string> {
    const token = randomBytes(32).toString('base64url');
    await mails.addReset(hashToken(token), accountId, Date.now() + linkMs);
    return `${options.link}?token=${token}`;
  }

  async function deliver(mail: MailRecord): Promise<void> {
    const account = await accounts.findByEmail(mail.email);
    if (account === undefined || account.is_blocked !== 0) return;
    const link = mail.kind === 'welcome' ? '' : await createLink(account.id);
    const { createTransport } = await import('nodemailer');
    const transport = createTransport({ url: options.url, ...timeouts });
    try {
      // Pass an object, because a string could contain several addresses.
      const to = { name: '', address: mail.email };
      await transport.sendMail({ from: options.from, to, ...texts[mail.kind as MailKind](link) });
    } finally {
      transport.close();
    }
  }

  async function send(mail: MailRecord): Promise<void> {
    if (!(await mails.claim(mail, Date.now() + claimMs * 2 ** mail.tries))) return;
    try {
      await deliver(mail);
    } catch (error) {
      const { code, name } = error as { readonly code?: string; readonly name: string };
      const tries = mail.tries + 1;
      // Do not log the error, because it may contain the address and the password of the server.
      getLogger().error({ kind: mail.kind, tries, reason: code ?? name }, 'a mail could not be sent');
      if (tries < maxTries) return;
    }
    await mails.remove(mail.id);
  }

  return {
    /** Sends the mails that are due. */
    async sendDue(signal: AbortSignal): Promise<void> {
      for (const mail of await mails.due(Date.now())) {
        if (signal.aborted) return;
        await send(mail);
      }
    },
  };
}
