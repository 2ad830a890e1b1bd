// MapsHandler: GET /debug/maps, the process's mappings, each with its owner and
// what of it is resident, as text or JSON. Each request takes a walk, or shares
// the one that runs.
//
//   ?sort=resident|address   the largest first, unless told otherwise
//   &limit=N                 so many, 1,000 unless given and 10,000 at most
//   &offset=N                after the first N
//   &format=text|json        else JSON where Accept prefers application/json
//
// Two pages are of two walks: what is resident, and with it the order, may have
// changed between them.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_MAPS_HANDLER_H_
#define POOLSCOPE_EXPORTER_MAPS_HANDLER_H_

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/metrics/native_memory/native_memory_stats.h"

namespace poolscope {

class MapsHandler final : public HttpHandler {
 public:
  // A walk with its mappings; called from several threads at a time.
  using WalkFunction =
      std::function<absl::StatusOr<std::shared_ptr<const NativeMemoryStats>>()>;

  explicit MapsHandler(WalkFunction walk) : walk_(std::move(walk)) {}

  // 503 with the reason where no walk can be had.
  HttpResponse Handle(const HttpRequest& request) override;

 private:
  const WalkFunction walk_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_MAPS_HANDLER_H_
