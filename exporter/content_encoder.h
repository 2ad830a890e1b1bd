// ContentEncoder: gzips a response where the request takes gzip.
//
//   HttpResponse response = router.Serve(request);
//   encoder.Encode(request, response);
//
// Memory: one GzipStream a request, kept for the next; see scratch_pool.h.
//
// Thread safety: thread-safe. Outlives the responses.
#ifndef POOLSCOPE_EXPORTER_CONTENT_ENCODER_H_
#define POOLSCOPE_EXPORTER_CONTENT_ENCODER_H_

#include <cstddef>
#include <cstdint>

#include "poolscope/exporter/gzip_stream.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/scratch_pool.h"

namespace poolscope {

class ContentEncoder {
 public:
  // A body below this goes out as it is, unless the client refuses that: it
  // fits one Ethernet frame either way.
  static constexpr size_t kMinBytes = 1400;

  // Compresses the body where that is asked for and worth it, and says in Vary
  // what the choice hung on. Answers other than 200 stay as they are, and so do
  // files that are compressed already. HEAD is treated as GET, so that both
  // give the same headers.
  void Encode(const HttpRequest& request, HttpResponse& response);

  // Bytes of the compressors and their buffers.
  uint64_t held_bytes() const { return streams_.held_bytes(); }

 private:
  ScratchPool<GzipStream> streams_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_CONTENT_ENCODER_H_
