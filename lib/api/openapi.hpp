// The OpenAPI document (3.1, and a 3.0 rendering for tools that are not there yet), from the same operations that
// the router serves.
#pragma once

#include <slipway/api/operation.hpp>
#include <slipway/json/schema.hpp>

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace slipway::api {

struct document_info {
  std::string title;
  std::string version;
  std::string description;
  std::string license = "MIT";
  std::vector<std::string> servers{"/"};
};

// Hidden operations are left out. The text is valid JSON; the same input gives the same text.
std::string openapi(std::span<std::shared_ptr<operation const> const> operations, document_info const& info,
                    json::flavour flavour = json::flavour::openapi_3_1);

}  // namespace slipway::api
