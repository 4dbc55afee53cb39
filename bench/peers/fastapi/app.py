"""FastAPI: one SQL join in one database, no log, and `def` for blocking functions, as in its documentation."""

import os
import sqlite3
import threading
from datetime import datetime, timezone

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field


class PetCreate(BaseModel):
    name: str = Field(min_length=1, max_length=200)
    species: str = Field(min_length=1, max_length=200)
    age: int | None = Field(default=None, ge=0, le=1000)
    mood: str = Field(default="happy", min_length=1, max_length=200)


class Pet(PetCreate):
    id: int
    last_fed: str
    last_interaction: str


class User(BaseModel):
    name: str
    id: int
    pets: list[Pet]


COLUMNS = ("name", "species", "age", "mood", "id", "last_fed", "last_interaction")
PET = ", ".join(f"p.{column}" for column in COLUMNS)
PETS = "LEFT JOIN adoption a ON a.user_id = u.id LEFT JOIN pet p ON p.id = a.pet_id"
JOIN = f"SELECT u.id, u.name, {PET} FROM user u {PETS} WHERE u.id = ? ORDER BY a.id"
JOIN_PAGE = (
    f"SELECT u.id, u.name, {PET} FROM (SELECT * FROM user ORDER BY id LIMIT ? OFFSET ?) u {PETS} ORDER BY u.id, a.id"
)

app = FastAPI()
local = threading.local()


def connection() -> sqlite3.Connection:
    """Returns the connection of this thread."""
    if not hasattr(local, "connection"):
        local.connection = sqlite3.connect(os.environ["DATABASE"], isolation_level=None)
        local.connection.execute("PRAGMA synchronous = FULL")
    return local.connection


def group(rows: list[tuple]) -> list[User]:
    users: dict[int, User] = {}
    for user_id, user_name, *pet in rows:
        user = users.setdefault(user_id, User(name=user_name, id=user_id, pets=[]))
        if pet[4] is not None:
            user.pets.append(Pet(**dict(zip(COLUMNS, pet))))
    return list(users.values())


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "OK"}


@app.get("/pet/pets/{pet_id}")
def read_pet(pet_id: int) -> Pet:
    row = connection().execute(f"SELECT {PET} FROM pet p WHERE p.id = ?", (pet_id,)).fetchone()
    if row is None:
        raise HTTPException(404)
    return Pet(**dict(zip(COLUMNS, row)))


@app.post("/pet/pets/")
def create_pet(pet: PetCreate) -> Pet:
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    cursor = connection().execute(
        "INSERT INTO pet (name, species, age, mood, last_fed, last_interaction) VALUES (?, ?, ?, ?, ?, ?)",
        (pet.name, pet.species, pet.age, pet.mood, now, now),
    )
    return Pet(**pet.model_dump(), id=cursor.lastrowid, last_fed=now, last_interaction=now)


@app.get("/user/users/{user_id}")
def read_user(user_id: int) -> User:
    users = group(connection().execute(JOIN, (user_id,)).fetchall())
    if not users:
        raise HTTPException(404)
    return users[0]


@app.get("/user/users/")
def list_users(limit: int = 100, offset: int = 0) -> list[User]:
    return group(connection().execute(JOIN_PAGE, (limit, offset)).fetchall())
