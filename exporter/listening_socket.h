// ListenOn(): a TCP socket that listens, and what it listens on.
//
// Thread-safe.
#ifndef POOLSCOPE_EXPORTER_LISTENING_SOCKET_H_
#define POOLSCOPE_EXPORTER_LISTENING_SOCKET_H_

#include <sys/socket.h>

#include <cstdint>

#include "absl/status/statusor.h"
#include "poolscope/exporter/listen_address.h"

namespace poolscope {

struct ListeningSocket {
  int fd = -1;  // non-blocking, close-on-exec; the caller's to close
  uint16_t port = 0;
};

// UnavailableError, with the system's reason and the remedy. An IPv6 address
// takes no IPv4 connections, [::] neither.
[[nodiscard]] absl::StatusOr<ListeningSocket> ListenOn(
    const ListenAddress& address);

// Whether somebody listens there: false for port 0, and where the system cannot
// tell. Nothing is listened on meanwhile.
[[nodiscard]] bool InUse(const ListenAddress& address);

// Who a connection comes from, as far as bounds go: an IPv4 address, or the
// network of an IPv6 address, its first 64 bits, of which one host may take as
// many addresses as it likes.
struct Peer {
  bool ipv6 = false;
  uint64_t network = 0;

  friend bool operator==(const Peer& a, const Peer& b) {
    return a.ipv6 == b.ipv6 && a.network == b.network;
  }
};
Peer PeerOf(const sockaddr_storage& address);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_LISTENING_SOCKET_H_
