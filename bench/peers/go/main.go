// The standard library's server with pgx, as their documentation shows it.
package main

import (
	"context"
	"encoding/json"
	"html/template"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"sort"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

type world struct {
	ID           int32 `json:"id"`
	RandomNumber int32 `json:"random_number"`
}

type fortune struct {
	ID      int32
	Message string
}

var pool *pgxpool.Pool

// Measured best of 4, 8, 16 and 32 for one core.
const connectionCount = 4

var page = template.Must(template.New("fortunes").Parse(`<!doctype html><html><head><title>Fortunes</title></head><body><table><tr><th>id</th><th>message</th></tr>{{range .}}<tr><td>{{.ID}}</td><td>{{.Message}}</td></tr>{{end}}</table></body></html>`))

func number() int32 { return rand.Int32N(10000) + 1 }

func count(r *http.Request) int {
	n, err := strconv.Atoi(r.URL.Query().Get("n"))
	if err != nil || n < 1 {
		return 1
	}
	return min(n, 500)
}

func find(ctx context.Context, id int32) (world, error) {
	var w world
	err := pool.QueryRow(ctx, "select id, random_number from world where id = $1", id).Scan(&w.ID, &w.RandomNumber)
	return w, err
}

func send(w http.ResponseWriter, value any, err error) {
	if err != nil {
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func one(w http.ResponseWriter, r *http.Request) {
	row, err := find(r.Context(), number())
	send(w, row, err)
}

func several(ctx context.Context, n int) ([]world, error) {
	rows := make([]world, n)
	for i := range rows {
		var err error
		if rows[i], err = find(ctx, number()); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func queries(w http.ResponseWriter, r *http.Request) {
	rows, err := several(r.Context(), count(r))
	send(w, rows, err)
}

func updates(w http.ResponseWriter, r *http.Request) {
	rows, err := several(r.Context(), count(r))
	if err == nil {
		sort.Slice(rows, func(a, b int) bool { return rows[a].ID < rows[b].ID })
		ids, numbers := make([]int32, len(rows)), make([]int32, len(rows))
		for i := range rows {
			rows[i].RandomNumber = number()
			ids[i], numbers[i] = int32(rows[i].ID), int32(rows[i].RandomNumber)
		}
		_, err = pool.Exec(r.Context(), "update world set random_number = v.n from unnest($1::int[], $2::int[]) as v (id, n) where world.id = v.id", ids, numbers)
	}
	send(w, rows, err)
}

func fortunes(w http.ResponseWriter, r *http.Request) {
	found, err := pool.Query(r.Context(), "select id, message from fortune")
	var list []fortune
	if err == nil {
		list, err = pgx.CollectRows(found, pgx.RowToStructByPos[fortune])
	}
	if err != nil {
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	}
	list = append(list, fortune{0, "Additional fortune added at request time."})
	sort.Slice(list, func(a, b int) bool { return list[a].Message < list[b].Message })
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, list)
}

func main() {
	settings, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	settings.MaxConns = connectionCount
	if pool, err = pgxpool.NewWithConfig(context.Background(), settings); err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("GET /plaintext", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte("Hello, World!"))
	})
	http.HandleFunc("GET /json", func(w http.ResponseWriter, _ *http.Request) {
		send(w, struct {
			Message string `json:"message"`
		}{"Hello, World!"}, nil)
	})
	http.HandleFunc("GET /db", one)
	http.HandleFunc("GET /queries", queries)
	http.HandleFunc("GET /fortunes", fortunes)
	http.HandleFunc("GET /updates", updates)
	http.HandleFunc("GET /insert", insert)
	http.HandleFunc("GET /eager", eager)
	http.HandleFunc("GET /transaction", transaction)
	if err = addOrm(); err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
