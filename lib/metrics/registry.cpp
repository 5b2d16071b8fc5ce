#include <slipway/metrics/registry.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>

namespace slipway::metrics {
namespace {

bool letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool valid_name(std::string_view name) noexcept {
  return !name.empty() && (letter(name[0]) || name[0] == ':') &&
         std::ranges::all_of(name, [](char c) { return letter(c) || digit(c) || c == ':'; });
}
bool valid_label(std::string_view name) noexcept {
  return !name.empty() && letter(name[0]) && !name.starts_with("__") && name != "le" &&
         std::ranges::all_of(name, [](char c) { return letter(c) || digit(c); });
}

}  // namespace

namespace detail {

struct callback_value {
  std::uint64_t id;
  std::vector<label> labels;
  std::function<double()> read;
};
struct series {
  std::vector<label> labels;
  cells at;
};
struct family {
  registry* owner;
  std::mutex* mutex;
  metric_kind kind;
  std::string name, help;
  std::vector<std::string> label_names;
  std::size_t most;
  std::optional<buckets> shape;
  bool by_callback = false;
  std::deque<series> all{};
  std::map<std::vector<std::string>, std::size_t> index{};
  std::vector<callback_value> callbacks{};
  std::uint64_t overflowed = 0;

  cells find_or_make(std::vector<std::string> values);
  void write(writer& out) const;
};

cells family::find_or_make(std::vector<std::string> values) {
  if (auto const found = index.find(values); found != index.end()) return all[found->second].at;
  // One place is kept for what does not fit.
  std::vector<std::string> const rest(values.size(), "other");
  if (!values.empty() && values != rest && index.size() + (index.contains(rest) ? 0 : 1) >= most) {
    ++overflowed;
    return find_or_make(rest);
  }
  series made;
  for (std::size_t i = 0; i < values.size(); ++i) made.labels.emplace_back(label_names[i], values[i]);
  made.at = owner->take_cells(shape ? shape->cell_count() : 1);
  all.push_back(made);
  index.emplace(std::move(values), all.size() - 1);
  return made.at;
}

void family::write(writer& out) const {
  if (all.empty() && callbacks.empty()) return;
  out.family(name, help, kind);
  for (auto const& s : all) {
    if (kind == metric_kind::histogram) {
      std::array<std::uint64_t, buckets::most + 1> counts{};
      for (std::size_t i = 0; i <= shape->count(); ++i) counts[i] = s.at.sum(i);
      out.histogram(s.labels, *shape, counts, s.at.sum(shape->count() + 1));
    } else if (kind == metric_kind::gauge) {
      out.value(s.labels, static_cast<double>(static_cast<std::int64_t>(s.at.sum(0))));
    } else {
      out.value(s.labels, s.at.sum(0));
    }
  }
  for (auto const& c : callbacks) out.value(c.labels, c.read());
}

cells series_of(family& f, std::span<std::string_view const> values) {
  std::lock_guard lock{*f.mutex};
  return f.find_or_make({values.begin(), values.end()});
}

buckets const& shape_of(family const& f) noexcept { return *f.shape; }

}  // namespace detail

struct registry::impl {
  struct free_cells {
    void operator()(cells::cell* p) const noexcept { ::operator delete[](p, std::align_val_t{4096}); }
  };
  struct collecting {
    std::uint64_t id;
    std::function<void(writer&)> write;
  };

  unsigned shards;
  mutable std::mutex mutex{};        // the families and their series
  mutable std::mutex cells_mutex{};  // the chunks: taken inside the other
  std::vector<std::unique_ptr<cells::cell[], free_cells>> chunks{};
  std::size_t used = cells::stride;
  std::deque<detail::family> families{};  // their addresses are in the handles
  std::vector<collecting> collectors{};
  std::uint64_t next_id = 1;

  detail::family* find(std::string_view name) noexcept {
    for (auto& f : families)
      if (f.name == name) return &f;
    return nullptr;
  }
};

registry::registry(unsigned shards) : impl_{std::make_unique<impl>(shards)} {}
registry::~registry() = default;

unsigned registry::shard_count() const noexcept { return impl_->shards; }

cells registry::take_cells(std::size_t count) {
  if (count == 0 || count > cells::stride) throw std::invalid_argument{"a series takes 1 to 512 cells"};
  std::lock_guard lock{impl_->cells_mutex};
  if (impl_->used + count > cells::stride) {
    auto const size = (impl_->shards + 1) * cells::stride;
    impl_->chunks.emplace_back(new (std::align_val_t{4096}) cells::cell[size]{});
    impl_->used = 0;
  }
  auto* const first = impl_->chunks.back().get() + impl_->used;
  impl_->used += count;
  return {first, impl_->shards};
}

detail::family& registry::add(metric_kind kind, std::string name, std::string help, std::span<std::string const> labels,
                              std::size_t most, buckets const* shape) {
  if (!valid_name(name)) throw std::invalid_argument{"'" + name + "' is not a metric's name"};
  if (kind == metric_kind::counter && !name.ends_with("_total"))
    throw std::invalid_argument{"the counter '" + name + "' must be called '" + name + "_total'"};
  for (auto const& l : labels)
    if (!valid_label(l)) throw std::invalid_argument{"'" + l + "' is not a label's name, in '" + name + "'"};
  std::lock_guard lock{impl_->mutex};
  if (impl_->find(name) != nullptr) throw std::invalid_argument{"the metric '" + name + "' is there already"};
  auto& f = impl_->families.emplace_back(detail::family{
      .owner = this,
      .mutex = &impl_->mutex,
      .kind = kind,
      .name = std::move(name),
      .help = std::move(help),
      .label_names = {labels.begin(), labels.end()},
      .most = std::max<std::size_t>(most, 2),
      .shape = shape != nullptr ? std::optional{*shape} : std::nullopt,
  });
  if (labels.empty()) f.find_or_make({});  // shown as zero from the start
  return f;
}

counter registry::counter(std::string name, std::string help) {
  return metrics::counter{
      detail::series_of(add(metric_kind::counter, std::move(name), std::move(help), {}, 2, nullptr), {})};
}
gauge registry::gauge(std::string name, std::string help) {
  return metrics::gauge{
      detail::series_of(add(metric_kind::gauge, std::move(name), std::move(help), {}, 2, nullptr), {})};
}
histogram registry::histogram(std::string name, std::string help, buckets shape) {
  auto& f = add(metric_kind::histogram, std::move(name), std::move(help), {}, 2, &shape);
  return {detail::series_of(f, {}), *f.shape};
}

registry::subscription registry::callback(metric_kind kind, std::string name, std::string help,
                                          std::vector<label> labels, std::function<double()> read) {
  if (kind == metric_kind::histogram)
    throw std::invalid_argument{"'" + name + "': a callback gives one number, not a histogram"};
  std::vector<std::string> names;
  names.reserve(labels.size());
  for (auto const& l : labels) names.push_back(l.first);
  detail::family* f = nullptr;
  {
    std::lock_guard lock{impl_->mutex};
    f = impl_->find(name);
    if (f != nullptr && (!f->by_callback || f->kind != kind || f->label_names != names))
      throw std::invalid_argument{"the metric '" + name +
                                  "' is there already, and is of another kind or has other labels"};
  }
  if (f == nullptr) {
    f = &add(kind, std::move(name), std::move(help), names, default_series, nullptr);
    std::lock_guard lock{impl_->mutex};
    f->by_callback = true;
    f->all.clear();
    f->index.clear();
  }
  std::lock_guard lock{impl_->mutex};
  if (std::ranges::any_of(f->callbacks, [&](auto const& c) { return c.labels == labels; }))
    throw std::invalid_argument{"the metric '" + f->name + "' has a callback for these labels already"};
  f->callbacks.push_back({impl_->next_id, std::move(labels), std::move(read)});
  return {*this, impl_->next_id++};
}

registry::subscription registry::collector(std::function<void(writer&)> write) {
  std::lock_guard lock{impl_->mutex};
  impl_->collectors.push_back({impl_->next_id, std::move(write)});
  return {*this, impl_->next_id++};
}

void registry::remove(std::uint64_t id) noexcept {
  std::lock_guard lock{impl_->mutex};
  std::erase_if(impl_->collectors, [id](auto const& c) { return c.id == id; });
  for (auto& f : impl_->families) std::erase_if(f.callbacks, [id](auto const& c) { return c.id == id; });
}

registry::subscription::~subscription() {
  if (owner_ != nullptr) owner_->remove(id_);
}

std::string registry::render(text_format format) const {
  std::string out;
  out.reserve(16'384);
  writer w{out, format};
  std::lock_guard lock{impl_->mutex};
  bool overflowed = false;
  for (auto const& f : impl_->families) {
    f.write(w);
    overflowed |= f.overflowed != 0;
  }
  for (auto const& c : impl_->collectors) c.write(w);
  if (overflowed) {
    w.family("metrics_label_overflow_total", "Label values that found their family full and were counted as \"other\"",
             metric_kind::counter);
    for (auto const& f : impl_->families)
      if (f.overflowed != 0) {
        label const of{"family", f.name};
        w.value({&of, 1}, f.overflowed);
      }
  }
  w.finish();
  return out;
}

}  // namespace slipway::metrics
