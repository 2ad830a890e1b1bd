#include "poolscope/exporter/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace poolscope {
namespace {

absl::Status Bad(absl::string_view text, absl::string_view problem) {
  return absl::InvalidArgumentError(
      absl::StrCat("listen address \"", absl::CHexEscape(text), "\": ", problem,
                   "; give ADDRESS:PORT, such as 127.0.0.1:9464 or "
                   "[::1]:9464"));
}

bool IsLoopback(const in_addr& address) {
  return (ntohl(address.s_addr) >> 24) == 127;
}

}  // namespace

std::string ListenAddress::ToString() const {
  return ipv6 ? absl::StrCat("[", host, "]:", port)
              : absl::StrCat(host, ":", port);
}

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) {
    return Bad(text, "it needs an address and a port");
  }
  absl::string_view host = text.substr(0, colon);
  const absl::string_view port_text = text.substr(colon + 1);
  ListenAddress address;

  uint32_t port = 0;
  if (port_text.empty() ||
      !std::all_of(port_text.begin(), port_text.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(port_text, &port) || port > 65535) {
    return Bad(text, "the port must be a number from 0 to 65535");
  }
  address.port = static_cast<uint16_t>(port);

  if (host.empty()) return Bad(text, "it has no address");
  if (host.front() == '[') {
    if (host.back() != ']') return Bad(text, "a ']' is missing");
    address.host = std::string(host.substr(1, host.size() - 2));
    address.ipv6 = true;
    in6_addr binary;
    if (inet_pton(AF_INET6, address.host.c_str(), &binary) != 1) {
      return Bad(text, "what is in brackets is no IPv6 address");
    }
    address.loopback = IN6_IS_ADDR_LOOPBACK(&binary);
    return address;
  }
  address.host = host == "localhost" ? "127.0.0.1" : std::string(host);
  in_addr binary;
  if (inet_pton(AF_INET, address.host.c_str(), &binary) != 1) {
    return Bad(text, "the address is no IPv4 address");
  }
  address.loopback = IsLoopback(binary);
  return address;
}

}  // namespace poolscope
