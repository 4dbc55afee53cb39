import manifest from '../../../package.json' with { type: 'json' };

/** The `info` that all documents share, from package.json. */
export const product = {
  title: manifest.name,
  description: manifest.description,
  license: { name: manifest.license, identifier: manifest.license },
  contact: { name: manifest.name },
};
