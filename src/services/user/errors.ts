import { defineProblem } from '#framework';
import { maxAdoptions } from './schemas.ts';

export const userNotFound = defineProblem(404, 'user-not-found', 'user not found');
export const petNotFound = defineProblem(404, 'pet-not-found', 'pet not found');
export const tooManyPets = defineProblem(409, 'too-many-pets', `a user has at most ${maxAdoptions} pets`);
