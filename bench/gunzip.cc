#include "poolscope/bench/gunzip.h"

#include "absl/status/status.h"
#include "zlib.h"

namespace poolscope::bench {

absl::StatusOr<std::string> Gunzip(absl::string_view gzipped) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) {
    return absl::InternalError("no memory for zlib");
  }
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gzipped.data()));
  stream.avail_in = static_cast<uInt>(gzipped.size());
  std::string plain;
  int result = Z_OK;
  while (result == Z_OK) {
    constexpr size_t kStep = 1 << 20;
    plain.resize(plain.size() + kStep);
    stream.next_out = reinterpret_cast<Bytef*>(&plain[plain.size() - kStep]);
    stream.avail_out = kStep;
    result = inflate(&stream, Z_NO_FLUSH);
    plain.resize(plain.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (result != Z_STREAM_END || stream.avail_in != 0) {
    return absl::InternalError("the body is not one gzip member");
  }
  return plain;
}

}  // namespace poolscope::bench
