// NativeMemoryHandler: GET /debug/memory, native memory by category as
// `jcmd PID VM.native_memory` shows that of a JVM, or as JSON.
//
//   ?view=summary|detail|summary.diff|detail.diff   summary unless given
//   &scale=B|KB|MB|GB   of the text; KB unless given
//   &peaks=1            with peaks
//   &format=text|json   else JSON where Accept prefers application/json
//
// BaselineHandler: POST /-/baseline, which keeps the figures of this moment for
// the views that compare.
//
//   ?view=detail        with the mappings, for detail.diff too; the default
//   ?view=summary       without, for processes with tens of thousands of them
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_NATIVE_MEMORY_HANDLERS_H_
#define POOLSCOPE_EXPORTER_NATIVE_MEMORY_HANDLERS_H_

#include <functional>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/metrics/native_memory/native_memory_stats.h"

namespace poolscope {

// Takes the figures, with mappings and call sites where asked to. Called from
// several threads at a time.
using NativeMemorySource =
    std::function<absl::StatusOr<NativeMemoryStats>(bool mappings)>;

// The figures that differences are taken from; one at a time.
//
// Thread safety: thread-safe.
class NativeMemoryBaseline {
 public:
  struct Figures {
    NativeMemoryStats stats;
    bool detailed = false;  // has the mappings
  };

  // Null until there is one.
  std::shared_ptr<const Figures> Get() const {
    MutexLock lock(&mutex_);
    return figures_;
  }
  void Set(std::shared_ptr<const Figures> figures) {
    MutexLock lock(&mutex_);
    // The old ones, which may be large, go after the lock.
    figures_.swap(figures);
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const Figures> figures_ ABSL_GUARDED_BY(mutex_);
};

class NativeMemoryHandler final : public HttpHandler {
 public:
  // `baseline` is not owned.
  NativeMemoryHandler(NativeMemorySource source,
                      const NativeMemoryBaseline* baseline)
      : source_(std::move(source)), baseline_(baseline) {}

  HttpResponse Handle(const HttpRequest& request) override;

 private:
  const NativeMemorySource source_;
  const NativeMemoryBaseline* const baseline_;
};

class BaselineHandler final : public HttpHandler {
 public:
  // `baseline` is not owned.
  BaselineHandler(NativeMemorySource source, NativeMemoryBaseline* baseline)
      : source_(std::move(source)), baseline_(baseline) {}

  HttpResponse Handle(const HttpRequest& request) override;

 private:
  const NativeMemorySource source_;
  NativeMemoryBaseline* const baseline_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_NATIVE_MEMORY_HANDLERS_H_
