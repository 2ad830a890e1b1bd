// MetricsHandler: GET /metrics, in the text format that Prometheus reads.
//
// Writers with their buffers are kept from scrape to scrape, so that a scrape
// of the usual size asks nobody for memory for its text. Two are kept; scrapes
// at the same time beyond that get one for the time being.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_METRICS_HANDLER_H_
#define POOLSCOPE_EXPORTER_METRICS_HANDLER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/metrics/metric_registry.h"
#include "poolscope/metrics/text_writer.h"

namespace poolscope {

// The writers that wait for the next scrape.
class TextWriterPool {
 public:
  static constexpr size_t kKept = 2;

  std::unique_ptr<TextWriter> Take();
  void Return(std::unique_ptr<TextWriter> writer);

  // Bytes of the buffers that wait.
  uint64_t held_bytes() const;

 private:
  mutable Mutex mutex_;
  std::vector<std::unique_ptr<TextWriter>> idle_ ABSL_GUARDED_BY(mutex_);
};

class MetricsHandler final : public HttpHandler {
 public:
  // Neither is owned; both outlive the responses.
  MetricsHandler(MetricRegistry* registry, TextWriterPool* writers)
      : registry_(registry), writers_(writers) {}

  HttpResponse Handle(const HttpRequest& request) override;

 private:
  MetricRegistry* const registry_;
  TextWriterPool* const writers_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_METRICS_HANDLER_H_
