import { expect, test } from 'vitest';
import { createExampleApp } from '../../support/app.ts';

test.for([
  [
    { pet: 'postgres://host/name?pool=1' },
    'services.pet.database: expected ?pool= to be an integer from 3 to 100',
  ],
  [
    { user: 'postgres://host/name?sslmode=on' },
    'services.user.database: expected ?sslmode= to be disable, require',
  ],
  [
    { user: 'postgres://me:hidden@host:x/name' },
    'services.user.database: expected postgres://user:password@host',
  ],
  [
    { pet: 'postgres://host/name?schema=all', user: 'postgresql://me@host/name?schema=all' },
    'services.user.database is also the schema of services.pet',
  ],
  [
    { pet: 'postgres://host/name?schema=user', user: 'postgres://host/name' },
    'services.user.database is also the schema of services.pet',
  ],
] as const)(
  'a mistake in the URL of a database is one line that names the place: %o',
  async ([urls, message], t) => {
    const services = Object.fromEntries(Object.entries(urls).map(([name, database]) => [name, { database }]));
    const error = (await createExampleApp(t, { config: { services } }).catch((one) => one)) as Error;
    expect(error.constructor.name).toBe('ConfigError');
    expect(error.message).toContain(`config.yaml: ${message}`);
    expect(error.message).not.toContain('hidden');
  },
);
