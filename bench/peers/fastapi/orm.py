"""The database's endpoints through SQLAlchemy's asynchronous ORM on asyncpg."""

import os

from fastapi import APIRouter, Query
from sqlalchemy import BigInteger, ForeignKey, select, update
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload

from data import TEXT, AuthorView, EntryView, TransferView, World, number

engine = create_async_engine(os.environ["DATABASE_URL"].replace("postgres://", "postgresql+asyncpg://", 1), pool_size=32, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)
router = APIRouter(prefix="/orm")


class Base(DeclarativeBase):
    pass


class WorldRow(Base):
    __tablename__ = "world"
    id: Mapped[int] = mapped_column(primary_key=True)
    random_number: Mapped[int]


class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    title: Mapped[str]
    pages: Mapped[int]


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list[Book]] = relationship()


class Entry(Base):
    __tablename__ = "entry"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    owner_id: Mapped[int]
    title: Mapped[str]


class Account(Base):
    __tablename__ = "account"
    id: Mapped[int] = mapped_column(primary_key=True)
    balance: Mapped[int] = mapped_column(BigInteger)


class Transfer(Base):
    __tablename__ = "transfer"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    account_id: Mapped[int]
    amount: Mapped[int]


@router.get("/db")
async def one() -> World:
    async with sessions() as session:
        row = await session.get(WorldRow, number())
        return World(id=row.id, random_number=row.random_number)


async def several(session, n) -> list[World]:
    # populate_existing: a number that comes twice is read twice, as by the others.
    found = [await session.get(WorldRow, number(), populate_existing=True) for _ in range(n)]
    return [World(id=row.id, random_number=row.random_number) for row in found]


@router.get("/queries")
async def queries(n: int = Query(1, ge=1, le=500)) -> list[World]:
    async with sessions() as session:
        return await several(session, n)


@router.get("/updates")
async def updates(n: int = Query(1, ge=1, le=500)) -> list[World]:
    async with sessions() as session:
        rows = sorted(await several(session, n), key=lambda row: row.id)
        for row in rows:
            row.random_number = number()
        await session.execute(update(WorldRow), [{"id": row.id, "random_number": row.random_number} for row in rows])
        await session.commit()
        return rows


@router.get("/insert")
async def insert() -> EntryView:
    async with sessions() as session:
        row = Entry(owner_id=number(), title=TEXT)
        session.add(row)
        await session.commit()
        return EntryView(id=row.id, owner_id=row.owner_id, title=row.title)


@router.get("/eager")
async def eager() -> AuthorView:
    async with sessions() as session:
        found = await session.scalars(select(Author).where(Author.id == number() % 100 + 1).options(selectinload(Author.books)))
        return AuthorView.model_validate(found.one(), from_attributes=True)


@router.get("/transaction")
async def transaction() -> TransferView:
    amount = number() % 100 + 1
    async with sessions.begin() as session:
        source = await session.get(Account, number(), with_for_update=True)
        source.balance -= amount
        await session.flush()
        made = Transfer(account_id=source.id, amount=amount)
        session.add(made)
        await session.flush()
        return TransferView(account_id=source.id, balance=source.balance, transfer_id=made.id)
