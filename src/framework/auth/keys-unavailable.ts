/** The keys of the issuer could not be requested, so a token can be neither accepted nor rejected. */
export class KeysUnavailable extends Error {}
