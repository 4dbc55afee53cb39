import {
  Body,
  Controller,
  Get,
  HttpCode,
  Injectable,
  Module,
  NotFoundException,
  Param,
  ParseIntPipe,
  Post,
} from '@nestjs/common';
import { Database } from './database.js';

export interface Pet {
  name: string;
  species: string;
  age: number | null;
  mood: string;
  id: number;
  last_fed: string;
  last_interaction: string;
}

interface PetCreate {
  name: string;
  species: string;
  age?: number | null;
  mood?: string;
}

@Injectable()
export class PetsService {
  private readonly select;
  private readonly insert;

  constructor(database: Database) {
    const columns = 'name, species, age, mood, id, last_fed, last_interaction';
    this.select = database.prepare<[number], Pet>(`SELECT ${columns} FROM pet WHERE id = ?`);
    this.insert = database.prepare(
      'INSERT INTO pet (name, species, age, mood, last_fed, last_interaction) VALUES (?, ?, ?, ?, ?, ?)',
    );
  }

  findOne(id: number): Pet | undefined {
    return this.select.get(id);
  }

  /** Uses one statement per id, which is faster in SQLite than one for all ids. */
  findMany(ids: readonly number[]): Pet[] {
    return ids.flatMap((id) => this.findOne(id) ?? []);
  }

  create({ name, species, age = null, mood = 'happy' }: PetCreate): Pet {
    const now = new Date().toISOString();
    const { lastInsertRowid } = this.insert.run(name, species, age, mood, now, now);
    return { name, species, age, mood, id: Number(lastInsertRowid), last_fed: now, last_interaction: now };
  }
}

@Controller('pet/pets')
export class PetsController {
  constructor(private readonly pets: PetsService) {}

  @Get(':id')
  findOne(@Param('id', ParseIntPipe) id: number): Pet {
    const pet = this.pets.findOne(id);
    if (pet === undefined) throw new NotFoundException();
    return pet;
  }

  @Post()
  @HttpCode(200)
  create(@Body() body: PetCreate): Pet {
    return this.pets.create(body);
  }
}

@Module({ controllers: [PetsController], providers: [PetsService], exports: [PetsService] })
export class PetsModule {}
