//! axum with tokio-postgres and a pool, as their documentation shows it.
mod data;
mod sqlx_data;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::get;
use axum::{Json, Router};
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use tokio_postgres::NoTls;

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

#[derive(Serialize, sqlx::FromRow)]
struct World {
    id: i32,
    random_number: i32,
}

#[derive(Deserialize)]
struct Count {
    #[serde(default = "one")]
    n: usize,
}

fn one() -> usize {
    1
}

fn number() -> i32 {
    rand::rng().random_range(1..=10000)
}

type Answer<T> = Result<T, StatusCode>;

fn unavailable<E>(_: E) -> StatusCode {
    StatusCode::SERVICE_UNAVAILABLE
}

async fn find(client: &Object) -> Answer<World> {
    let statement = client
        .prepare_cached("select id, random_number from world where id = $1")
        .await
        .map_err(unavailable)?;
    let row = client.query_one(&statement, &[&number()]).await.map_err(unavailable)?;
    Ok(World { id: row.get(0), random_number: row.get(1) })
}

async fn db(State(pool): State<Pool>) -> Answer<Json<World>> {
    let client = pool.get().await.map_err(unavailable)?;
    Ok(Json(find(&client).await?))
}

async fn several(client: &Object, n: usize) -> Answer<Vec<World>> {
    let mut rows = Vec::with_capacity(n);
    for _ in 0..n.clamp(1, 500) {
        rows.push(find(client).await?);
    }
    Ok(rows)
}

async fn queries(State(pool): State<Pool>, Query(count): Query<Count>) -> Answer<Json<Vec<World>>> {
    let client = pool.get().await.map_err(unavailable)?;
    Ok(Json(several(&client, count.n).await?))
}

async fn updates(State(pool): State<Pool>, Query(count): Query<Count>) -> Answer<Json<Vec<World>>> {
    let client = pool.get().await.map_err(unavailable)?;
    let mut rows = several(&client, count.n).await?;
    rows.sort_by_key(|row| row.id);
    for row in &mut rows {
        row.random_number = number();
    }
    let ids: Vec<i32> = rows.iter().map(|row| row.id).collect();
    let numbers: Vec<i32> = rows.iter().map(|row| row.random_number).collect();
    let statement = client
        .prepare_cached("update world set random_number = v.n from unnest($1::int[], $2::int[]) as v (id, n) where world.id = v.id")
        .await
        .map_err(unavailable)?;
    client.execute(&statement, &[&ids, &numbers]).await.map_err(unavailable)?;
    Ok(Json(rows))
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
}

async fn fortunes(State(pool): State<Pool>) -> Answer<Html<String>> {
    let client = pool.get().await.map_err(unavailable)?;
    let statement = client.prepare_cached("select id, message from fortune").await.map_err(unavailable)?;
    let mut rows: Vec<(i32, String)> = client
        .query(&statement, &[])
        .await
        .map_err(unavailable)?
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    rows.push((0, "Additional fortune added at request time.".into()));
    rows.sort_by(|a, b| a.1.cmp(&b.1));
    let mut page = String::from("<!doctype html><html><head><title>Fortunes</title></head><body><table><tr><th>id</th><th>message</th></tr>");
    for (id, message) in rows {
        let _ = write!(page, "<tr><td>{id}</td><td>");
        escape(&message, &mut page);
        page.push_str("</td></tr>");
    }
    page.push_str("</table></body></html>");
    Ok(Html(page))
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let config = std::env::var("DATABASE_URL").expect("DATABASE_URL").parse().expect("a database URL");
    let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
    let pool = Pool::builder(manager).max_size(32).build().expect("a pool");
    let app = Router::new()
        .route("/plaintext", get(|| async { "Hello, World!" }))
        .route("/json", get(|| async { Json(Message { message: "Hello, World!" }) }))
        .route("/db", get(db))
        .route("/queries", get(queries))
        .route("/fortunes", get(fortunes))
        .route("/updates", get(updates))
        .merge(data::routes())
        .with_state(pool)
        .merge(sqlx_data::routes().await);
    let address = format!("127.0.0.1:{}", std::env::var("PORT").expect("PORT"));
    let listener = tokio::net::TcpListener::bind(address).await.expect("a free port");
    axum::serve(listener, app).await.expect("serving");
}
