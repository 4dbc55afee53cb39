import { Global, Module } from '@nestjs/common';
import Client from 'better-sqlite3';

/** The database of all modules. */
export class Database extends Client {
  constructor() {
    super(process.env.DATABASE);
    this.pragma('journal_mode = WAL');
    this.pragma('synchronous = FULL');
  }
}

@Global()
@Module({ providers: [Database], exports: [Database] })
export class DatabaseModule {}
