"""What the endpoints answer with, through whichever way to the database."""

import random

from pydantic import BaseModel

TEXT = "An entry of some length, as people write them"


class World(BaseModel):
    id: int
    random_number: int


class BookView(BaseModel):
    id: int
    author_id: int
    title: str
    pages: int


class AuthorView(BaseModel):
    id: int
    name: str
    books: list[BookView]


class EntryView(BaseModel):
    id: int
    owner_id: int
    title: str


class TransferView(BaseModel):
    account_id: int
    balance: int
    transfer_id: int


def number() -> int:
    return random.randint(1, 10000)
