// TrimHandler: POST /-/trim, which gives back what nobody uses, and answers
// with what came back, as text or JSON.
//
//   ?format=text|json   else JSON where Accept prefers application/json
//
//   trimmed_bytes: 6291456
//   allocators:
//     allocator  trimmed_bytes
//     rpc              4194304
//   malloc:
//     implementation: glibc
//     trimmed: true
//     trimmed_bytes: 2097152
//   resident_before_bytes: 12582912
//   resident_after_bytes: 6291456
//
// 409 while another is under way.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_TRIM_HANDLER_H_
#define POOLSCOPE_EXPORTER_TRIM_HANDLER_H_

#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/trimmer.h"

namespace poolscope {

class TrimHandler final : public HttpHandler {
 public:
  // Not owned.
  explicit TrimHandler(Trimmer* trimmer) : trimmer_(trimmer) {}

  HttpResponse Handle(const HttpRequest& request) override;

 private:
  Trimmer* const trimmer_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_TRIM_HANDLER_H_
