// ListenAddress: where the server listens, checked.
//
//   "127.0.0.1:9464"   "[::1]:9464"   "localhost:0"
//
// Thread safety: a plain value.
#ifndef POOLSCOPE_EXPORTER_LISTEN_ADDRESS_H_
#define POOLSCOPE_EXPORTER_LISTEN_ADDRESS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace poolscope {

struct ListenAddress {
  std::string host;  // a literal address, without brackets
  bool ipv6 = false;
  bool loopback = false;
  uint16_t port = 0;  // 0: any free one

  // "127.0.0.1:9464", "[::1]:9464".
  std::string ToString() const;
};

// InvalidArgumentError names `text` and what is expected. A port without an
// address is refused, since it would mean every interface; names are not looked
// up, but for "localhost", which is 127.0.0.1.
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_LISTEN_ADDRESS_H_
