/** Calls an operation, as `POST /pets/{id}`, and resolves with the body of its answer; checked like every other. */
export type Call = (
  operation: string,
  request?: { path?: Record<string, unknown>; body?: unknown },
) => Promise<unknown>;

/** By operation and status: the steps that lead there. */
export type Recipes = Readonly<Record<string, Readonly<Record<string, (call: Call) => Promise<void>>>>>;

/**
 * What can only be reached by construction; all else the fuzzer comes upon by itself. A user has at most 1,000
 * pets: the contract says so in words, and no 1,001 pets of one user come about by chance.
 */
export const recipes: Recipes = {
  'POST /user/users/{user_id}/pets/{pet_id}': {
    409: async (call) => {
      const ids: unknown[] = [];
      for (let count = 0; count <= 1000; count += 1) {
        const pet = await call('POST /pet/pets/', { body: { name: 'Rex', species: 'dog' } });
        ids.push((pet as { id: number }).id);
      }
      const { id } = (await call('POST /user/users/', { body: { name: 'Alice' } })) as { id: number };
      const [last, ...pets_ids] = ids;
      await call('PATCH /user/users/{user_id}', { path: { user_id: id }, body: { pets_ids } });
      await call('POST /user/users/{user_id}/pets/{pet_id}', { path: { user_id: id, pet_id: last } });
    },
  },
};

/** Headers that say which request this is: one that fits is sent once, else its answer is that of another. */
export const usedOnce: readonly string[] = ['Idempotency-Key'];
