import { expect, test } from 'vitest';
import { defineProblem, describeProblems } from '../../../src/framework/errors/define-problem.ts';

const petNotFound = defineProblem(404, 'pet-not-found', 'Pet not found');
const toyNotFound = defineProblem(404, 'toy-not-found', 'Toy not found');
const instance = '/toy/toys/1';
const notFoundOf = (type: string, detail: string) => ({
  ...{ type: `urn:problem-type:${type}`, title: 'Not Found', status: 404, detail, instance },
});
const mediaOf = (...problems: (typeof petNotFound)[]) =>
  describeProblems('The resource does not exist', problems, instance).content['application/problem+json'];

test('a response for one problem has its example', () => {
  expect(mediaOf(petNotFound)).toMatchObject({ example: notFoundOf('pet-not-found', 'Pet not found') });
});

test('a response for several problems has the example of the first, and the types of all', () => {
  const other = defineProblem(404, 'pet-not-found', 'Pet of the toy not found');
  expect(mediaOf(toyNotFound, petNotFound, other)).toMatchObject({
    example: notFoundOf('toy-not-found', 'Toy not found'),
    'x-problem-types': ['urn:problem-type:toy-not-found', 'urn:problem-type:pet-not-found'],
  });
  expect(mediaOf(petNotFound)).not.toHaveProperty('x-problem-types');
});

test('a problem with 401 challenges the client, as HTTP requires', () => {
  expect(defineProblem(401, 'login-failed', 'No')().headers).toEqual({ 'www-authenticate': 'Bearer' });
  expect(petNotFound().headers).toEqual({});
});
