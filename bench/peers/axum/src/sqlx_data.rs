//! The database's endpoints through sqlx, as its documentation shows it.
use crate::data::{Author, Book, Entry, Transfer, TEXT};
use crate::{number, unavailable, Answer, Count, World};
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use sqlx::postgres::{PgPool, PgPoolOptions};

async fn find(pool: &PgPool) -> Answer<World> {
    sqlx::query_as("select id, random_number from world where id = $1")
        .bind(number())
        .fetch_one(pool)
        .await
        .map_err(unavailable)
}

async fn db(State(pool): State<PgPool>) -> Answer<Json<World>> {
    Ok(Json(find(&pool).await?))
}

async fn several(pool: &PgPool, n: usize) -> Answer<Vec<World>> {
    let mut rows = Vec::with_capacity(n);
    for _ in 0..n.clamp(1, 500) {
        rows.push(find(pool).await?);
    }
    Ok(rows)
}

async fn queries(State(pool): State<PgPool>, Query(count): Query<Count>) -> Answer<Json<Vec<World>>> {
    Ok(Json(several(&pool, count.n).await?))
}

async fn updates(State(pool): State<PgPool>, Query(count): Query<Count>) -> Answer<Json<Vec<World>>> {
    let mut rows = several(&pool, count.n).await?;
    rows.sort_by_key(|row| row.id);
    for row in &mut rows {
        row.random_number = number();
    }
    let ids: Vec<i32> = rows.iter().map(|row| row.id).collect();
    let numbers: Vec<i32> = rows.iter().map(|row| row.random_number).collect();
    sqlx::query("update world set random_number = v.n from unnest($1::int[], $2::int[]) as v (id, n) where world.id = v.id")
        .bind(ids)
        .bind(numbers)
        .execute(&pool)
        .await
        .map_err(unavailable)?;
    Ok(Json(rows))
}

async fn insert(State(pool): State<PgPool>) -> Answer<Json<Entry>> {
    let owner_id = number();
    let id = sqlx::query_scalar("insert into entry (owner_id, title) values ($1, $2) returning id")
        .bind(owner_id)
        .bind(TEXT)
        .fetch_one(&pool)
        .await
        .map_err(unavailable)?;
    Ok(Json(Entry { id, owner_id, title: TEXT }))
}

async fn eager(State(pool): State<PgPool>) -> Answer<Json<Author>> {
    let (id, name): (i32, String) = sqlx::query_as("select id, name from author where id = $1")
        .bind(number() % 100 + 1)
        .fetch_one(&pool)
        .await
        .map_err(unavailable)?;
    let books: Vec<Book> = sqlx::query_as("select id, author_id, title, pages from book where author_id = $1")
        .bind(id)
        .fetch_all(&pool)
        .await
        .map_err(unavailable)?;
    Ok(Json(Author { id, name, books }))
}

async fn transaction(State(pool): State<PgPool>) -> Answer<Json<Transfer>> {
    let (id, amount) = (number(), number() % 100 + 1);
    let mut tx = pool.begin().await.map_err(unavailable)?;
    let before: i64 = sqlx::query_scalar("select balance from account where id = $1 for update")
        .bind(id)
        .fetch_one(&mut *tx)
        .await
        .map_err(unavailable)?;
    let balance = before - i64::from(amount);
    sqlx::query("update account set balance = $1 where id = $2")
        .bind(balance)
        .bind(id)
        .execute(&mut *tx)
        .await
        .map_err(unavailable)?;
    let transfer_id = sqlx::query_scalar("insert into transfer (account_id, amount) values ($1, $2) returning id")
        .bind(id)
        .bind(amount)
        .fetch_one(&mut *tx)
        .await
        .map_err(unavailable)?;
    tx.commit().await.map_err(unavailable)?;
    Ok(Json(Transfer { account_id: id, balance, transfer_id }))
}

pub async fn routes() -> Router {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL");
    let pool = PgPoolOptions::new().max_connections(32).connect(&url).await.expect("a database");
    Router::new()
        .route("/orm/db", get(db))
        .route("/orm/queries", get(queries))
        .route("/orm/updates", get(updates))
        .route("/orm/insert", get(insert))
        .route("/orm/eager", get(eager))
        .route("/orm/transaction", get(transaction))
        .with_state(pool)
}
