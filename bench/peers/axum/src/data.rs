//! A new row, a row with the hundred rows that belong to it, and a transaction, through tokio-postgres.
use crate::{number, unavailable, Answer};
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use deadpool_postgres::Pool;
use serde::Serialize;

#[derive(Serialize, sqlx::FromRow)]
pub struct Book {
    pub id: i32,
    pub author_id: i32,
    pub title: String,
    pub pages: i32,
}

#[derive(Serialize)]
pub struct Author {
    pub id: i32,
    pub name: String,
    pub books: Vec<Book>,
}

#[derive(Serialize)]
pub struct Entry {
    pub id: i64,
    pub owner_id: i32,
    pub title: &'static str,
}

#[derive(Serialize)]
pub struct Transfer {
    pub account_id: i32,
    pub balance: i64,
    pub transfer_id: i64,
}

pub const TEXT: &str = "An entry of some length, as people write them";

async fn insert(State(pool): State<Pool>) -> Answer<Json<Entry>> {
    let client = pool.get().await.map_err(unavailable)?;
    let statement = client
        .prepare_cached("insert into entry (owner_id, title) values ($1, $2) returning id")
        .await
        .map_err(unavailable)?;
    let owner_id = number();
    let row = client.query_one(&statement, &[&owner_id, &TEXT]).await.map_err(unavailable)?;
    Ok(Json(Entry { id: row.get(0), owner_id, title: TEXT }))
}

async fn eager(State(pool): State<Pool>) -> Answer<Json<Author>> {
    let client = pool.get().await.map_err(unavailable)?;
    let id = number() % 100 + 1;
    let one = client.prepare_cached("select id, name from author where id = $1").await.map_err(unavailable)?;
    let author = client.query_one(&one, &[&id]).await.map_err(unavailable)?;
    let all = client
        .prepare_cached("select id, author_id, title, pages from book where author_id = $1")
        .await
        .map_err(unavailable)?;
    let books = client.query(&all, &[&id]).await.map_err(unavailable)?;
    Ok(Json(Author {
        id: author.get(0),
        name: author.get(1),
        books: books
            .iter()
            .map(|row| Book { id: row.get(0), author_id: row.get(1), title: row.get(2), pages: row.get(3) })
            .collect(),
    }))
}

async fn transaction(State(pool): State<Pool>) -> Answer<Json<Transfer>> {
    let mut client = pool.get().await.map_err(unavailable)?;
    let (id, amount) = (number(), number() % 100 + 1);
    let tx = client.transaction().await.map_err(unavailable)?;
    let find = tx.prepare_cached("select balance from account where id = $1 for update").await.map_err(unavailable)?;
    let balance = tx.query_one(&find, &[&id]).await.map_err(unavailable)?.get::<_, i64>(0) - i64::from(amount);
    let change = tx.prepare_cached("update account set balance = $1 where id = $2").await.map_err(unavailable)?;
    tx.execute(&change, &[&balance, &id]).await.map_err(unavailable)?;
    let add = tx
        .prepare_cached("insert into transfer (account_id, amount) values ($1, $2) returning id")
        .await
        .map_err(unavailable)?;
    let made = tx.query_one(&add, &[&id, &amount]).await.map_err(unavailable)?;
    tx.commit().await.map_err(unavailable)?;
    Ok(Json(Transfer { account_id: id, balance, transfer_id: made.get(0) }))
}

pub fn routes() -> Router<Pool> {
    Router::new()
        .route("/insert", get(insert))
        .route("/eager", get(eager))
        .route("/transaction", get(transaction))
}
