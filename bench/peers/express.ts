/** Express 5, one SQL join in one database, no log. */
import express from 'express';
import { openJoin } from './join.ts';

const { PORT, DATABASE = '', SYNCHRONOUS } = process.env;
const database = openJoin(DATABASE, SYNCHRONOUS);
const app = express();
app.use(express.json());

app.get('/health', (_request, response) => {
  response.json({ status: 'OK' });
});

app.get('/pet/pets/:id', (request, response) => {
  const pet = database.findPet(Number(request.params.id));
  response.status(pet === undefined ? 404 : 200).json(pet ?? {});
});

app.post('/pet/pets/', (request, response) => {
  response.json(database.createPet(request.body));
});

app.get('/user/users/:id', (request, response) => {
  const user = database.findUser(Number(request.params.id));
  response.status(user === undefined ? 404 : 200).json(user ?? {});
});

app.get('/user/users/', ({ query }, response) => {
  response.json(database.listUsers(Number(query.limit ?? 100), Number(query.offset ?? 0)));
});

app.listen(Number(PORT), '127.0.0.1');
