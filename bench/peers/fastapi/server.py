"""FastAPI on uvicorn with asyncpg's pool, as their documentation recommends."""

import html
import os
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, Query
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic import BaseModel

import orm
from data import TEXT, AuthorView, BookView, EntryView, TransferView, World, number


class Message(BaseModel):
    message: str


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=4, max_size=32)
    yield
    await app.state.pool.close()
    await orm.engine.dispose()


app = FastAPI(lifespan=lifespan)
app.include_router(orm.router)


async def find(connection) -> World:
    row = await connection.fetchrow("select id, random_number from world where id = $1", number())
    return World(id=row[0], random_number=row[1])


@app.get("/plaintext")
async def plaintext():
    return PlainTextResponse("Hello, World!")


@app.get("/json")
async def message() -> Message:
    return Message(message="Hello, World!")


@app.get("/db")
async def one() -> World:
    async with app.state.pool.acquire() as connection:
        return await find(connection)


@app.get("/queries")
async def queries(n: int = Query(1, ge=1, le=500)) -> list[World]:
    async with app.state.pool.acquire() as connection:
        return [await find(connection) for _ in range(n)]


@app.get("/updates")
async def updates(n: int = Query(1, ge=1, le=500)) -> list[World]:
    async with app.state.pool.acquire() as connection:
        rows = sorted([await find(connection) for _ in range(n)], key=lambda row: row.id)
        for row in rows:
            row.random_number = number()
        await connection.execute("update world set random_number = v.n from unnest($1::int[], $2::int[]) as v (id, n) where world.id = v.id",
                                 [row.id for row in rows], [row.random_number for row in rows])
        return rows


@app.get("/insert")
async def insert() -> EntryView:
    owner = number()
    async with app.state.pool.acquire() as connection:
        id = await connection.fetchval("insert into entry (owner_id, title) values ($1, $2) returning id", owner, TEXT)
    return EntryView(id=id, owner_id=owner, title=TEXT)


@app.get("/eager")
async def eager() -> AuthorView:
    async with app.state.pool.acquire() as connection:
        id, name = await connection.fetchrow("select id, name from author where id = $1", number() % 100 + 1)
        books = await connection.fetch("select id, author_id, title, pages from book where author_id = $1", id)
    return AuthorView(id=id, name=name, books=[BookView(id=row[0], author_id=row[1], title=row[2], pages=row[3]) for row in books])


@app.get("/transaction")
async def transaction() -> TransferView:
    id, amount = number(), number() % 100 + 1
    async with app.state.pool.acquire() as connection, connection.transaction():
        balance = await connection.fetchval("select balance from account where id = $1 for update", id) - amount
        await connection.execute("update account set balance = $1 where id = $2", balance, id)
        made = await connection.fetchval("insert into transfer (account_id, amount) values ($1, $2) returning id", id, amount)
    return TransferView(account_id=id, balance=balance, transfer_id=made)


@app.get("/fortunes")
async def fortunes():
    async with app.state.pool.acquire() as connection:
        rows = [(row[0], row[1]) for row in await connection.fetch("select id, message from fortune")]
    rows.append((0, "Additional fortune added at request time."))
    rows.sort(key=lambda row: row[1])
    lines = "".join(f"<tr><td>{number}</td><td>{html.escape(text)}</td></tr>" for number, text in rows)
    return HTMLResponse("<!doctype html><html><head><title>Fortunes</title></head><body><table>"
                        f"<tr><th>id</th><th>message</th></tr>{lines}</table></body></html>")
