/** NestJS on Fastify, as in its documentation, without a log. With PETS=http, users get pets over HTTP. */
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DatabaseModule } from './database.js';
import { PetsModule } from './pets.js';
import { UsersModule } from './users.js';

const { PORT = '', PETS } = process.env;

@Controller('health')
class HealthController {
  @Get()
  check() {
    return { status: 'OK' };
  }
}

@Module({
  imports: [
    DatabaseModule,
    PetsModule,
    PETS === 'http' ? UsersModule.overHttp(`http://127.0.0.1:${PORT}`) : UsersModule.injected(),
  ],
  controllers: [HealthController],
})
class AppModule {}

const adapter = new FastifyAdapter({ routerOptions: { ignoreTrailingSlash: true } });
const app = await NestFactory.create<NestFastifyApplication>(AppModule, adapter, { logger: ['error'] });
await app.listen(Number(PORT), '127.0.0.1');
