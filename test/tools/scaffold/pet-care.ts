/** The parts of src/services/pet that a new service of its fields does not have. */

/** Replaces a text, which the file must contain once. */
export type Edit = readonly [from: string, to: string];

/** By file: what only a person can know, and what belongs to the care of pets. */
export const petCare: Readonly<Record<string, readonly Edit[]>> = {
  'index.ts': [["'Pets and the care they get. Knows nothing of users.'", "'Pets.'"]],
  'tables.ts': [
    ['instant, ', ''],
    ['    last_fed: instant().notNull(),\n    last_interaction: instant().notNull(),\n', ''],
  ],
  'schemas.ts': [
    ['Timestamp, ', ''],
    ["const description = 'In years; null if it is not known';\n\n", ''],
    [' description,', ''],
    ["'Rex'", "'name'"],
    ["'dog'", "'species'"],
    ['    last_fed: Timestamp,\n    last_interaction: Timestamp,\n', ''],
  ],
  'repository.ts': [
    ['formatInstant, nowMicros, ', ''],
    ['type SQL, ', ''],
    [
      `/** A new time of a pet: later than the last time, also after a clock step or a write by another process. */
const now = sql\`CASE WHEN \${placeholder('now')} > \${pets.last_interaction}
  THEN \${placeholder('now')} ELSE \${pets.last_interaction} + 1 END\`;
`,
      '',
    ],
    [
      `        last_fed: sql\`\${placeholder('now')}\`,
        last_interaction: sql\`\${placeholder('now')}\`,
`,
      '',
    ],
    ['const change = prepareUpdate({', 'const change = prepare(orm.update(pets).set({'],
    [
      `  });
  const hydrate = prepareUpdate({ last_interaction: now });
  const feed = prepareUpdate({ last_fed: now, last_interaction: now });
  const treat = prepareUpdate({ last_fed: now, last_interaction: now, mood: sql\`'excited'\` });
`,
      '}).where(byId).returning());\n',
    ],
    [
      `  function prepareUpdate(set: Partial<Record<keyof Pet, SQL>>) {
    return prepare(orm.update(pets).set(set).where(byId).returning());
  }

  /** Runs a statement that changes a pet. */
  function update(run: () => Promise<Pet | undefined>): Promise<Pet | undefined> {
    return write(async () => {
      const pet = await run();
      if (pet !== undefined) await emit('pet.updated', { subject: pet.id, data: pet });
      return pet;
    });
  }

`,
      '',
    ],
    [
      `      return update(() => change.get(values));
`,
      `      return write(async () => {
        const pet = await change.get(values);
        if (pet !== undefined) await emit('pet.updated', { subject: pet.id, data: pet });
        return pet;
      });
`,
    ],
    ['      const now = nowMicros();\n      const instant = formatInstant(now);\n', ''],
    ['insert.get({ name, species, age, mood, now })', 'insert.get({ name, species, age, mood })'],
    [', last_fed: instant, last_interaction: instant }', ' }'],
    [
      `    hydrate: (id: number) => update(() => hydrate.get({ id, now: nowMicros() })),
    feed: (id: number) => update(() => feed.get({ id, now: nowMicros() })),
    treat: (id: number) => update(() => treat.get({ id, now: nowMicros() })),
`,
      '',
    ],
  ],
  'routes.ts': [
    [
      `
  const care = {
    hydrate: 'Give a pet water',
    feed: 'Give a pet food',
    treat: 'Give a pet a treat, which excites it',
  };
  for (const verb of ['hydrate', 'feed', 'treat'] as const) {
    app.post(
      \`/pets/:pet_id/\${verb}\`,
      { schema: { operationId: \`\${verb}Pet\`, summary: care[verb], ...onePet } },
      async ({ params }) => found(await pets[verb](params.pet_id), petNotFound),
    );
  }
`,
      '',
    ],
  ],
};
