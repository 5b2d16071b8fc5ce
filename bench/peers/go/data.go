package main

import (
	"net/http"

	"github.com/jackc/pgx/v5"
)

type book struct {
	ID       int32  `json:"id"`
	AuthorID int32  `json:"author_id"`
	Title    string `json:"title"`
	Pages    int32  `json:"pages"`
}

type author struct {
	ID    int32  `json:"id"`
	Name  string `json:"name"`
	Books []book `json:"books"`
}

type entry struct {
	ID      int64  `json:"id"`
	OwnerID int32  `json:"owner_id"`
	Title   string `json:"title"`
}

type transfer struct {
	AccountID  int32 `json:"account_id"`
	Balance    int64 `json:"balance"`
	TransferID int64 `json:"transfer_id"`
}

const text = "An entry of some length, as people write them"

func insert(w http.ResponseWriter, r *http.Request) {
	row := entry{OwnerID: number(), Title: text}
	err := pool.QueryRow(r.Context(), "insert into entry (owner_id, title) values ($1, $2) returning id", row.OwnerID, row.Title).Scan(&row.ID)
	send(w, row, err)
}

func eager(w http.ResponseWriter, r *http.Request) {
	var a author
	err := pool.QueryRow(r.Context(), "select id, name from author where id = $1", number()%100+1).Scan(&a.ID, &a.Name)
	if err == nil {
		var found pgx.Rows
		if found, err = pool.Query(r.Context(), "select id, author_id, title, pages from book where author_id = $1", a.ID); err == nil {
			a.Books, err = pgx.CollectRows(found, pgx.RowToStructByPos[book])
		}
	}
	send(w, a, err)
}

func transaction(w http.ResponseWriter, r *http.Request) {
	id, amount := number(), number()%100+1
	out := transfer{AccountID: id}
	err := pgx.BeginFunc(r.Context(), pool, func(tx pgx.Tx) error {
		if err := tx.QueryRow(r.Context(), "select balance from account where id = $1 for update", id).Scan(&out.Balance); err != nil {
			return err
		}
		out.Balance -= int64(amount)
		if _, err := tx.Exec(r.Context(), "update account set balance = $1 where id = $2", out.Balance, id); err != nil {
			return err
		}
		return tx.QueryRow(r.Context(), "insert into transfer (account_id, amount) values ($1, $2) returning id", id, amount).Scan(&out.TransferID)
	})
	send(w, out, err)
}
