/** Calls an operation such as `POST /pets/{id}`. Resolves with the body of its response, which is checked too. */
export type Call = (
  operation: string,
  request?: { path?: Record<string, unknown>; body?: unknown },
) => Promise<unknown>;

/** The steps that cause a response, by operation and status. */
export type Recipes = Readonly<Record<string, Readonly<Record<string, (call: Call) => Promise<void>>>>>;

/**
 * Steps for responses that random requests do not cause. A user has at most 1,000 pets, and random requests never give
 * one user 1,001 pets.
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

/** Headers that identify one request. A valid value is used once, because a second use returns the first response. */
export const usedOnce: readonly string[] = ['Idempotency-Key'];
