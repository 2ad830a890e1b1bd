// GzipStream: compresses one body after another in memory it keeps.
//
//   GzipStream gzip;
//   absl::string_view compressed = gzip.Compress(body);
//
// zlib's state, about 260 KiB, and the output buffer are made at the first use
// and used again. The level is zlib's fastest: see gzip_stream.cc.
//
// Thread safety: thread-compatible.
#ifndef POOLSCOPE_EXPORTER_GZIP_STREAM_H_
#define POOLSCOPE_EXPORTER_GZIP_STREAM_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace poolscope {

class GzipStream {
 public:
  GzipStream();
  ~GzipStream();
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  // `plain` as one gzip member. Valid until the next call; empty when there was
  // no memory for zlib's state, or zlib failed.
  [[nodiscard]] absl::string_view Compress(absl::string_view plain);

  // Keeps the memory.
  void Clear() {}

  // Bytes held, used or not.
  size_t capacity_bytes() const;

 private:
  struct State;

  std::unique_ptr<State> state_;  // null before the first use
  std::string output_;            // its size() is the room there is
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_GZIP_STREAM_H_
