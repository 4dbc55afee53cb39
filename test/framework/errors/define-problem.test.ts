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

test('a response for several problems has an example of each', () => {
  const other = defineProblem(404, 'pet-not-found', 'Pet of the toy not found');
  expect(mediaOf(toyNotFound, petNotFound, other)).toMatchObject({
    examples: {
      'toy-not-found': { value: notFoundOf('toy-not-found', 'Toy not found') },
      'pet-not-found': { value: notFoundOf('pet-not-found', 'Pet not found') },
      'pet-not-found-2': { value: notFoundOf('pet-not-found', 'Pet of the toy not found') },
    },
  });
});
