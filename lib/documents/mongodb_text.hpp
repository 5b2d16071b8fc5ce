// Requests as commands of MongoDB. For the .cpp files of this folder.
#pragma once

#include <slipway/documents/mongodb_driver.hpp>
#include <slipway/documents/session.hpp>

#include <string>

namespace slipway::documents::mongodb {

// "_id" for the key.
std::string field_of(path_info const& at);
node filter_of(filter_node const& where);
node sort_of(std::vector<sort_key> const& order);
node update_of(update_steps const& steps);
// What an upsert adds to the steps when it inserts: the members that no step names.
node on_insert(update_steps const& steps, node const& otherwise);
node pipeline_of(group_request const& what);
// A group as MongoDB answers it, as the list of its keys and values.
node group_of(group_request const& what, node const& document);
node index_of(collection_info const& in, index_info const& index, bool partial);

node stored(node document);    // `id` becomes `_id`
node restored(node document);  // and the other way round

}  // namespace slipway::documents::mongodb
