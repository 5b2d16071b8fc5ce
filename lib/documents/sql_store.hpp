// Documents in the SQL database that is there anyway: nothing to install beside it. A collection is a table with a key
// and a JSON document; its indexes are indexes over expressions (MySQL: over generated columns).
#pragma once

#include <slipway/db/database.hpp>
#include <slipway/documents/session.hpp>

#include <memory>

namespace slipway::documents {

// Both must outlive the store.
std::unique_ptr<store> make_sql_store(db::database& database, clock_source const& clock = system_clock());

// Documents in a transaction that the caller has open on the same database, so that rows and documents are changed
// together.
std::unique_ptr<session> documents_in(db::transaction& open, clock_source const& clock = system_clock());

}  // namespace slipway::documents
