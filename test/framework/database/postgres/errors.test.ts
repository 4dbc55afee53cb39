import { expect, test } from 'vitest';
import { ConnectError } from '../../../../src/framework/database/postgres/connection.ts';
import { isConflict, toProblem } from '../../../../src/framework/database/postgres/errors.ts';
import { Problem } from '../../../../src/framework/errors/problem.ts';
import { captureLog } from '../../../support/app.ts';

const errorOf = (code: string) => Object.assign(new Error('from the server'), { code });
const terminated = new Error('Connection terminated unexpectedly');
const refused = new ConnectError(errorOf('ECONNREFUSED'));

test.for([
  ['a serialization failure', errorOf('40001'), true],
  ['a deadlock', errorOf('40P01'), true],
  ['a lock that was not free in time', errorOf('55P03'), true],
  ['a unique violation', errorOf('23505'), false],
  ['a broken connection', terminated, false],
] as const)('%s: a second attempt can succeed: %s', ([, error, expected]) => {
  expect(isConflict(error)).toBe(expected);
});

/** `before`, `after`: the status if the statement was not sent yet, and if it may have had its effect. */
test.for([
  ['a broken connection', terminated, { before: 503, after: 504 }],
  ['a server that stops', errorOf('57P01'), { before: 503, after: 504 }],
  ['no response in time', new Error('Query read timeout'), { before: 503, after: 504 }],
  ['no connection', refused, { before: 503, after: 503 }],
  ['a conflict', errorOf('40001'), { before: 503, after: 503 }],
  ['a statement that was cancelled', errorOf('57014'), { before: 503, after: 503 }],
  ['an idle transaction that was ended', errorOf('25P03'), { before: 503, after: 503 }],
  ['a full disk', errorOf('53100'), { before: 507, after: 507 }],
  ['a replica', errorOf('25006'), { before: 503, after: 503 }],
] as const)('the status of %s: %o', ([, error, expected]) => {
  const statusOf = (isSent: boolean) => (toProblem(error, isSent) as Problem).status;
  expect({ before: statusOf(false), after: statusOf(true) }).toEqual(expected);
});

test('a log entry of a connection that could not be opened has the reason once', async () => {
  const { logging, logs } = await captureLog('info');
  logging.logger('pet').warn({ err: refused }, 'no connection');
  const [{ err } = {}] = logs as { err?: { stack: string } }[];
  expect(err).toMatchObject({ message: 'from the server', code: 'ECONNREFUSED' });
  expect(err?.stack.split('from the server')).toHaveLength(2);
});

test('any other error stays as it is, because it is a defect', () => {
  const violation = errorOf('23505');
  expect(toProblem(violation, true)).toBe(violation);
  expect(toProblem(violation, true)).not.toBeInstanceOf(Problem);
});
