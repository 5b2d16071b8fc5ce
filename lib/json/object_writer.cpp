#include <slipway/json/object_writer.hpp>
#include <slipway/json/text.hpp>

namespace slipway::json {

buffer& object_writer::key(std::string_view name) {
  if (!first_) out_->push(',');
  first_ = false;
  write_text(*out_, name);
  out_->push(':');
  return *out_;
}

void detail::write_signed(buffer& out, std::int64_t value) {
  out.reserve(scalar_room);
  out.commit(put_signed(out.open(), value));
}

void detail::write_unsigned(buffer& out, std::uint64_t value) {
  out.reserve(scalar_room);
  out.commit(put_unsigned(out.open(), value));
}

}  // namespace slipway::json
