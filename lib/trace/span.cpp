#include <slipway/trace/span.hpp>

#include <slipway/trace/record.hpp>

#include <exception>

namespace slipway {

void trace_span::rename(std::string_view n) {
  if (auto const text = record->copy(n); text.data() != nullptr)
    name = text;
  else
    ++dropped;
}

void trace_span::set(std::string_view key, attribute_value value) {
  if (auto* const text = std::get_if<std::string_view>(&value)) {
    *text = record->copy(*text);
    if (text->data() == nullptr) {
      ++dropped;
      return;
    }
  }
  for (std::size_t i = 0; i < attribute_count; ++i)
    if (attributes_[i].key == key) {
      attributes_[i].value = value;
      return;
    }
  if (attributes_ == nullptr)
    attributes_ = static_cast<span_attribute*>(record->allocate(sizeof(span_attribute) * most_attributes));
  if (attributes_ == nullptr || attribute_count == most_attributes) {
    ++dropped;
    return;
  }
  ::new (&attributes_[attribute_count++]) span_attribute{key, value};
}

void trace_span::event(std::string_view what) {
  if (events_ == nullptr) events_ = static_cast<span_event*>(record->allocate(sizeof(span_event) * most_events));
  auto const text = events_ == nullptr || event_count == most_events ? std::string_view{} : record->copy(what);
  if (text.data() == nullptr) {
    ++dropped;
    return;
  }
  ::new (&events_[event_count++]) span_event{text, record->clock.steady()};
}

void trace_span::fail(std::string_view what) {
  status = span_status::error;
  record->failed = true;
  if (auto const text = record->copy(what); text.data() != nullptr) status_text = text;
}

trace_parent trace_span::parent_for_others() const noexcept { return {record->trace, id, record->flags}; }
std::string_view trace_span::tracestate() const noexcept { return record->tracestate; }
trace_id const& trace_span::trace() const noexcept { return record->trace; }

trace_span* scoped_span::begin(context& operation, span_kind kind, std::string_view name) {
  auto* const outer = operation.span;
  auto* const made = outer->record->add(kind, name, outer, outer->id);
  if (made != nullptr) {
    exceptions_ = std::uncaught_exceptions();
    operation.span = made;
  }
  return made;
}

void scoped_span::end() noexcept {
  span_->end = span_->record->clock.steady();
  span_->ended = true;
  if (std::uncaught_exceptions() > exceptions_ && span_->status != span_status::error)
    span_->fail("an exception passed");
  if (operation_->span != span_) return;  // one that began later is still open, and will find its way past this one
  auto* next = span_->outer;
  while (next->ended && next->outer != nullptr) next = next->outer;
  operation_->span = next;
}

void* trace_record::allocate(std::size_t bytes) {
  if (used_ + bytes > settings.max_bytes) return nullptr;
  used_ += bytes;
  return memory_.allocate(bytes);
}

std::string_view trace_record::copy(std::string_view text) {
  if (text.empty()) return "";
  text = text.substr(0, trace_span::most_text);
  if (used_ + text.size() > settings.max_bytes) return {};
  used_ += text.size();
  return memory_.copy(text);
}

trace_span* trace_record::add(span_kind kind, std::string_view name, trace_span* outer, span_id parent) {
  auto* const memory = spans.size() < settings.max_spans ? allocate(sizeof(trace_span)) : nullptr;
  if (memory == nullptr) {
    ++dropped_spans;
    return nullptr;
  }
  static_assert(std::is_trivially_destructible_v<trace_span>, "the arena runs no destructors");
  auto* const made = ::new (memory) trace_span{};
  made->id = make_span_id(random);
  made->parent = parent;
  made->kind = kind;
  made->record = this;
  made->outer = outer;
  auto const text = copy(name);
  made->name = text.data() != nullptr ? text : "(no room for the name)";
  made->start = clock.steady();
  spans.push_back(made);
  return made;
}

finished_trace trace_record::finish() const {
  auto const wall = [this](std::chrono::steady_clock::time_point at) {
    return wall_start + std::chrono::duration_cast<std::chrono::microseconds>(at - steady_start);
  };
  finished_trace out{.trace = trace, .flags = flags, .tracestate = tracestate};
  out.spans.reserve(spans.size());
  for (auto const* s : spans) {
    auto& f = out.spans.emplace_back();
    f.id = s->id;
    f.parent = s->parent;
    f.kind = s->kind;
    f.status = s->status;
    f.name = s->name;
    f.status_text = s->status_text;
    f.start = wall(s->start);
    f.duration = s->end - s->start;
    f.dropped = s->dropped;
    for (std::size_t i = 0; i < s->attribute_count; ++i) {
      auto const& a = s->attributes()[i];
      auto& to = f.attributes.emplace_back(a.key, false).second;
      std::visit(
          [&to](auto const& v) {
            if constexpr (std::is_same_v<std::remove_cvref_t<decltype(v)>, std::string_view>)
              to = std::string{v};
            else
              to = v;
          },
          a.value);
    }
    for (std::size_t i = 0; i < s->event_count; ++i)
      f.events.emplace_back(s->events()[i].name, wall(s->events()[i].at));
  }
  if (dropped_spans != 0 && !out.spans.empty())
    out.spans.front().attributes.emplace_back("slipway.dropped_spans", static_cast<std::int64_t>(dropped_spans));
  return out;
}

}  // namespace slipway
