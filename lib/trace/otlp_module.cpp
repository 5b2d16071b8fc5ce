// The only file that sees opentelemetry-cpp, in a module of its own: with Protobuf and what else it brings, it would
// take four megabytes of every process, and most export no traces. Its exporter is called on one thread of ours, so that neither the
// conversion to its records nor the call to the collector ever takes a shard's time.
#include <slipway/core/signal_mask.hpp>
#include <slipway/trace/otlp_module.hpp>

#include <opentelemetry/common/key_value_iterable_view.h>
#include <opentelemetry/exporters/otlp/otlp_http_exporter_factory.h>
#include <opentelemetry/exporters/otlp/otlp_http_exporter_options.h>
#include <opentelemetry/sdk/common/global_log_handler.h>
#include <opentelemetry/sdk/instrumentationscope/instrumentation_scope.h>
#include <opentelemetry/sdk/resource/resource.h>
#include <opentelemetry/sdk/trace/exporter.h>
#include <opentelemetry/sdk/trace/recordable.h>
#include <opentelemetry/trace/span_context.h>
#include <opentelemetry/trace/trace_state.h>

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

namespace slipway {
namespace {

namespace otel = opentelemetry;
namespace otlp = opentelemetry::exporter::otlp;

using records = std::vector<std::unique_ptr<otel::sdk::trace::Recordable>>;

// opentelemetry-cpp tells its own troubles through a process-wide handler that prints. Its exporter reports success
// whatever happens (1.19), so this handler is also the only place that learns of a failure: it keeps the first error
// of each call. One exporter for a process, therefore.
class failures final : public otel::sdk::common::internal_log::LogHandler {
 public:
  void Handle(otel::sdk::common::internal_log::LogLevel level, char const*, int, char const* text,
              otel::sdk::common::AttributeMap const&) noexcept override {
    if (level != otel::sdk::common::internal_log::LogLevel::Error || text == nullptr) return;
    std::lock_guard lock{mutex_};
    if (first_.empty()) first_ = std::string_view{text}.substr(0, 300);
  }
  // The first error since the last call; empty when all went well.
  std::string take() {
    std::lock_guard lock{mutex_};
    return std::exchange(first_, {});
  }

 private:
  std::mutex mutex_;
  std::string first_;
};

otel::trace::SpanKind kind_of(span_kind k) noexcept {
  switch (k) {
    case span_kind::internal: return otel::trace::SpanKind::kInternal;
    case span_kind::server: return otel::trace::SpanKind::kServer;
    case span_kind::client: return otel::trace::SpanKind::kClient;
    case span_kind::producer: return otel::trace::SpanKind::kProducer;
    case span_kind::consumer: return otel::trace::SpanKind::kConsumer;
  }
  return otel::trace::SpanKind::kInternal;
}

otel::trace::StatusCode status_of(span_status s) noexcept {
  switch (s) {
    case span_status::unset: return otel::trace::StatusCode::kUnset;
    case span_status::ok: return otel::trace::StatusCode::kOk;
    case span_status::error: return otel::trace::StatusCode::kError;
  }
  return otel::trace::StatusCode::kUnset;
}

otlp::OtlpHttpExporterOptions options_of(otlp_settings const& s) {
  otlp::OtlpHttpExporterOptions out;
  out.url = s.endpoint;
  out.content_type = s.json ? otlp::HttpRequestContentType::kJson : otlp::HttpRequestContentType::kBinary;
  out.json_bytes_mapping = otlp::JsonBytesMappingKind::kHexId;
  out.use_json_name = true;  // as OTLP's JSON is defined
  out.console_debug = false;
  out.timeout = s.timeout;
  out.http_headers.clear();  // what the process's environment says is not asked: settings come from one place
  for (auto const& [name, value] : s.headers) out.http_headers.emplace(name, value);
  out.ssl_insecure_skip_verify = false;
  out.ssl_ca_cert_path = s.ca_file;
  return out;
}

class otlp_exporter final : public span_exporter {
 public:
  explicit otlp_exporter(otlp_settings s)
      : settings_{std::move(s)},
        resource_{otel::sdk::resource::Resource::Create({{"service.name", settings_.service_name},
                                                         {"service.version", settings_.service_version},
                                                         {"deployment.environment", settings_.environment}})},
        scope_{otel::sdk::instrumentationscope::InstrumentationScope::Create("slipway")} {
    otel::sdk::common::internal_log::GlobalLogHandler::SetLogHandler(
        otel::nostd::shared_ptr<otel::sdk::common::internal_log::LogHandler>{
            std::shared_ptr<otel::sdk::common::internal_log::LogHandler>{failures_}});
    all_signals_blocked const meanwhile;  // for this thread, and for those that the exporter starts
    exporter_ = otlp::OtlpHttpExporterFactory::Create(options_of(settings_));
    thread_ = std::jthread{[this] {
      ::pthread_setname_np(::pthread_self(), "otlp-export");
      work();
    }};
  }

  // Sends what is queued; begins no call after one time-out, nor after one that failed: with a collector that hangs
  // it takes one time-out in all.
  ~otlp_exporter() override {
    {
      std::lock_guard lock{mutex_};
      stopping_ = true;
      stop_by_ = std::chrono::steady_clock::now() + settings_.timeout;
    }
    wake_.notify_all();
    thread_.join();
    exporter_->Shutdown(std::chrono::duration_cast<std::chrono::microseconds>(settings_.timeout));
  }

  void enqueue(finished_trace&& trace) noexcept override {
    auto const size = trace.spans.size();
    {
      std::lock_guard lock{mutex_};
      if (waiting_ + size > settings_.queue || stopping_) {
        counters_.dropped += size;
        return;
      }
      try {
        queue_.push_back(std::move(trace));
      } catch (std::bad_alloc const&) {
        counters_.dropped += size;
        return;
      }
      waiting_ += size;
      if (waiting_ < settings_.batch) return;  // the interval will do
    }
    wake_.notify_all();
  }

  void flush(std::chrono::milliseconds limit) noexcept override {
    std::unique_lock lock{mutex_};
    hurry_ = true;
    wake_.notify_all();
    idle_.wait_for(lock, limit, [this] { return waiting_ == 0 && !busy_; });
    hurry_ = false;
  }

  exporter_counters counters() const noexcept override {
    std::lock_guard lock{mutex_};
    return counters_;
  }

 private:
  void work() {
    std::unique_lock lock{mutex_};
    while (true) {
      wake_.wait_for(lock, settings_.interval,
                     [this] { return stopping_ || (hurry_ && waiting_ != 0) || waiting_ >= settings_.batch; });
      while (waiting_ != 0) {
        std::vector<finished_trace> batch;
        std::size_t spans = 0;
        while (!queue_.empty() && (batch.empty() || spans + queue_.front().spans.size() <= settings_.batch)) {
          spans += queue_.front().spans.size();
          batch.push_back(std::move(queue_.front()));
          queue_.pop_front();
        }
        waiting_ -= spans;
        busy_ = true;
        lock.unlock();
        bool const taken = send(batch);
        lock.lock();
        busy_ = false;
        (taken ? counters_.exported : counters_.failed) += spans;
        if (stopping_ && (!taken || std::chrono::steady_clock::now() >= stop_by_)) break;
      }
      idle_.notify_all();
      if (stopping_) {
        counters_.dropped += waiting_;
        return;
      }
    }
  }

  bool send(std::vector<finished_trace> const& batch) {
    records all;
    for (auto const& trace : batch)
      for (auto const& span : trace.spans) all.push_back(convert(trace, span));
    failures_->take();
    bool const sent = exporter_->Export({all.data(), all.size()}) == otel::sdk::common::ExportResult::kSuccess;
    auto why = failures_->take();
    bool const taken = sent && why.empty();
    if (taken == failing_) {
      failing_ = !taken;
      if (!taken && why.empty()) why = "the collector did not take them";
      if (settings_.on_failure) settings_.on_failure(why);
    }
    return taken;
  }

  std::unique_ptr<otel::sdk::trace::Recordable> convert(finished_trace const& trace, finished_span const& span) {
    auto out = exporter_->MakeRecordable();
    auto const state = trace.tracestate.empty() ? otel::trace::TraceState::GetDefault()
                                                : otel::trace::TraceState::FromHeader(trace.tracestate);
    otel::trace::SpanContext const identity{otel::trace::TraceId{trace.trace.bytes}, otel::trace::SpanId{span.id.bytes},
                                            otel::trace::TraceFlags{trace.flags}, false, state};
    out->SetIdentity(identity, otel::trace::SpanId{span.parent.bytes});
    out->SetName(span.name);
    out->SetSpanKind(kind_of(span.kind));
    out->SetTraceFlags(otel::trace::TraceFlags{trace.flags});
    out->SetStartTime(
        otel::common::SystemTimestamp{std::chrono::system_clock::time_point{span.start.time_since_epoch()}});
    out->SetDuration(span.duration);
    if (span.status != span_status::unset) out->SetStatus(status_of(span.status), span.status_text);
    for (auto const& [key, value] : span.attributes) std::visit([&](auto const& v) { set(*out, key, v); }, value);
    if (span.dropped != 0) set(*out, "slipway.dropped", static_cast<std::int64_t>(span.dropped));
    for (auto const& [name, at] : span.events)
      out->AddEvent(name, otel::common::SystemTimestamp{std::chrono::system_clock::time_point{at.time_since_epoch()}});
    out->SetResource(resource_);
    out->SetInstrumentationScope(*scope_);
    return out;
  }

  template <class V>
  static void set(otel::sdk::trace::Recordable& out, std::string_view key, V const& v) {
    otel::nostd::string_view const name{key.data(), key.size()};
    if constexpr (std::is_same_v<V, std::string>)
      out.SetAttribute(name, otel::nostd::string_view{v.data(), v.size()});
    else
      out.SetAttribute(name, v);
  }

  otlp_settings settings_;
  otel::sdk::resource::Resource resource_;
  otel::nostd::unique_ptr<otel::sdk::instrumentationscope::InstrumentationScope> scope_;
  std::shared_ptr<failures> failures_ = std::make_shared<failures>();
  std::unique_ptr<otel::sdk::trace::SpanExporter> exporter_;
  bool failing_ = false;  // of the exporter's thread alone

  mutable std::mutex mutex_;
  std::condition_variable wake_, idle_;
  std::deque<finished_trace> queue_;
  std::size_t waiting_ = 0;  // spans in the queue
  bool busy_ = false, hurry_ = false, stopping_ = false;
  std::chrono::steady_clock::time_point stop_by_;
  exporter_counters counters_;
  std::jthread thread_;
};

}  // namespace

}  // namespace slipway

extern "C" [[gnu::visibility("default")]] slipway::otlp_module const slipway_otlp_module{
    .make = [](slipway::otlp_settings settings) -> std::unique_ptr<slipway::span_exporter> {
      return std::make_unique<slipway::otlp_exporter>(std::move(settings));
    }};
