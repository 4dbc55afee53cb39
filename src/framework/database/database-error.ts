/** Why a database cannot be used, as one line for the user who starts the process: why it fails, and what to do. */
export class DatabaseError extends Error {}
