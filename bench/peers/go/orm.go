// The same through GORM, with what its page about performance recommends: prepared statements, and no transaction
// around a single statement.
package main

import (
	"net/http"
	"os"
	"sort"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
)

var db *gorm.DB

type account struct {
	ID      int32
	Balance int64
}

type transferRow struct {
	ID        int64
	AccountID int32
	Amount    int32
}

func (world) TableName() string       { return "world" }
func (book) TableName() string        { return "book" }
func (author) TableName() string      { return "author" }
func (entry) TableName() string       { return "entry" }
func (account) TableName() string     { return "account" }
func (transferRow) TableName() string { return "transfer" }

func ormOne(w http.ResponseWriter, r *http.Request) {
	var row world
	err := db.WithContext(r.Context()).Take(&row, number()).Error
	send(w, row, err)
}

func ormSeveral(r *http.Request) ([]world, error) {
	rows := make([]world, count(r))
	for i := range rows {
		if err := db.WithContext(r.Context()).Take(&rows[i], number()).Error; err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func ormQueries(w http.ResponseWriter, r *http.Request) {
	rows, err := ormSeveral(r)
	send(w, rows, err)
}

// Save of a slice is the one statement that GORM has for different values in many rows: an upsert. It must not name
// a row twice.
func ormUpdates(w http.ResponseWriter, r *http.Request) {
	rows, err := ormSeveral(r)
	if err == nil {
		sort.Slice(rows, func(a, b int) bool { return rows[a].ID < rows[b].ID })
		different := make([]world, 0, len(rows))
		for i := range rows {
			rows[i].RandomNumber = number()
			if i == 0 || rows[i].ID != rows[i-1].ID {
				different = append(different, rows[i])
			}
		}
		err = db.WithContext(r.Context()).Save(&different).Error
	}
	send(w, rows, err)
}

func ormInsert(w http.ResponseWriter, r *http.Request) {
	row := entry{OwnerID: number(), Title: text}
	err := db.WithContext(r.Context()).Create(&row).Error
	send(w, row, err)
}

func ormEager(w http.ResponseWriter, r *http.Request) {
	var a author
	err := db.WithContext(r.Context()).Preload("Books").Take(&a, number()%100+1).Error
	send(w, a, err)
}

func ormTransaction(w http.ResponseWriter, r *http.Request) {
	id, amount := number(), number()%100+1
	var out transfer
	err := db.WithContext(r.Context()).Transaction(func(tx *gorm.DB) error {
		var from account
		if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&from, id).Error; err != nil {
			return err
		}
		from.Balance -= int64(amount)
		if err := tx.Save(&from).Error; err != nil {
			return err
		}
		made := transferRow{AccountID: id, Amount: amount}
		if err := tx.Create(&made).Error; err != nil {
			return err
		}
		out = transfer{id, from.Balance, made.ID}
		return nil
	})
	send(w, out, err)
}

func addOrm() error {
	var err error
	db, err = gorm.Open(postgres.Open(os.Getenv("DATABASE_URL")), &gorm.Config{
		PrepareStmt: true, SkipDefaultTransaction: true, Logger: logger.Discard})
	if err != nil {
		return err
	}
	connections, err := db.DB()
	if err != nil {
		return err
	}
	connections.SetMaxOpenConns(connectionCount)
	connections.SetMaxIdleConns(connectionCount)
	http.HandleFunc("GET /orm/db", ormOne)
	http.HandleFunc("GET /orm/queries", ormQueries)
	http.HandleFunc("GET /orm/updates", ormUpdates)
	http.HandleFunc("GET /orm/insert", ormInsert)
	http.HandleFunc("GET /orm/eager", ormEager)
	http.HandleFunc("GET /orm/transaction", ormTransaction)
	return nil
}
