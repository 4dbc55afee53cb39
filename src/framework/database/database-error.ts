/**
 * A database cannot be used. The message is one line for the user who starts the process: the reason, and what to do.
 */
export class DatabaseError extends Error {}
