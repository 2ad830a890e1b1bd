// HeapProfileHandler: GET /debug/pprof/heap, who holds the pools' memory, as a
// gzipped profile for `pprof` and `go tool pprof`.
//
//   ?allocator=NAME     one allocator instead of all
//
//   200   the sampled live blocks of all allocators that record creation
//         stacks; a comment in the profile names those that do not
//   400   another parameter; ?seconds= too, since a profile shows one moment
//   404   no allocator records stacks, and how to change that: an empty profile
//         would look as if nobody held anything
//
// Errors carry net/http/pprof's header X-Go-Pprof, without which `go tool
// pprof` keeps their text to itself.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_HEAP_PROFILE_HANDLER_H_
#define POOLSCOPE_EXPORTER_HEAP_PROFILE_HANDLER_H_

#include <string>
#include <utility>

#include "poolscope/exporter/http_message.h"
#include "poolscope/metrics/metric_registry.h"

namespace poolscope {

class HeapProfileHandler final : public HttpHandler {
 public:
  // `registry` is not owned; `proc_root` is where procfs is mounted.
  HeapProfileHandler(const MetricRegistry* registry, std::string proc_root)
      : registry_(registry), proc_root_(std::move(proc_root)) {}

  HttpResponse Handle(const HttpRequest& request) override;

 private:
  const MetricRegistry* const registry_;
  const std::string proc_root_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_HEAP_PROFILE_HANDLER_H_
