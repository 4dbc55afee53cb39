import { defineProblem } from '#framework';

export const petNotFound = defineProblem(404, 'pet-not-found', 'Pet not found');
