/** The module of users. It gets pets from the injected service of the pet module, or over HTTP. */
import { HttpModule, HttpService } from '@nestjs/axios';
import {
  Controller,
  DefaultValuePipe,
  type DynamicModule,
  Get,
  Injectable,
  Module,
  NotFoundException,
  Param,
  ParseIntPipe,
  Query,
} from '@nestjs/common';
import { firstValueFrom } from 'rxjs';
import { Database } from './database.js';
import { type Pet, PetsModule, PetsService } from './pets.js';

interface User {
  name: string;
  id: number;
  pets: Pet[];
}

type UserRow = Pick<User, 'name' | 'id'>;

/** The source of pets. */
abstract class Pets {
  abstract findMany(ids: readonly number[]): Pet[] | Promise<Pet[]>;
}

/** Sends one call per pet, as in the documentation of the HTTP module. */
@Injectable()
class PetsOverHttp extends Pets {
  constructor(private readonly http: HttpService) {
    super();
  }

  override findMany(ids: readonly number[]): Promise<Pet[]> {
    return Promise.all(
      ids.map(async (id) => {
        const { data } = await firstValueFrom(this.http.get<Pet>(`/pet/pets/${id}`));
        return data;
      }),
    );
  }
}

@Injectable()
export class UsersService {
  private readonly select;
  private readonly selectPage;
  private readonly selectPetIds;

  constructor(
    database: Database,
    private readonly pets: Pets,
  ) {
    this.select = database.prepare<[number], UserRow>('SELECT name, id FROM user WHERE id = ?');
    this.selectPage = database.prepare<[number, number], UserRow>(
      'SELECT name, id FROM user ORDER BY id LIMIT ? OFFSET ?',
    );
    this.selectPetIds = database
      .prepare<[number], number>('SELECT pet_id FROM adoption WHERE user_id = ? ORDER BY id')
      .pluck();
  }

  async findOne(id: number): Promise<User | undefined> {
    const row = this.select.get(id);
    return row === undefined ? undefined : this.withPets(row);
  }

  findPage(limit: number, offset: number): Promise<User[]> {
    return Promise.all(this.selectPage.all(limit, offset).map((row) => this.withPets(row)));
  }

  private async withPets(row: UserRow): Promise<User> {
    return { ...row, pets: await this.pets.findMany(this.selectPetIds.all(row.id)) };
  }
}

@Controller('user/users')
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Get(':id')
  async findOne(@Param('id', ParseIntPipe) id: number): Promise<User> {
    const user = await this.users.findOne(id);
    if (user === undefined) throw new NotFoundException();
    return user;
  }

  @Get()
  findPage(
    @Query('limit', new DefaultValuePipe(100), ParseIntPipe) limit: number,
    @Query('offset', new DefaultValuePipe(0), ParseIntPipe) offset: number,
  ): Promise<User[]> {
    return this.users.findPage(limit, offset);
  }
}

@Module({ controllers: [UsersController], providers: [UsersService] })
// biome-ignore lint/complexity/noStaticOnlyClass: a module of Nest is a class
export class UsersModule {
  static injected(): DynamicModule {
    const pets = { provide: Pets, useExisting: PetsService };
    return { module: UsersModule, imports: [PetsModule], providers: [pets] };
  }

  static overHttp(baseURL: string): DynamicModule {
    const pets = { provide: Pets, useClass: PetsOverHttp };
    return {
      module: UsersModule,
      imports: [HttpModule.register({ baseURL, timeout: 5000 })],
      providers: [pets],
    };
  }
}
