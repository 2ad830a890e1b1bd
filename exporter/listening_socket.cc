#include "poolscope/exporter/listening_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace poolscope {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  explicit SocketAddress(const ListenAddress& address) {
    if (address.ipv6) {
      auto* ip = reinterpret_cast<sockaddr_in6*>(&storage);
      ip->sin6_family = AF_INET6;
      ip->sin6_port = htons(address.port);
      inet_pton(AF_INET6, address.host.c_str(), &ip->sin6_addr);
      length = sizeof(*ip);
    } else {
      auto* ip = reinterpret_cast<sockaddr_in*>(&storage);
      ip->sin_family = AF_INET;
      ip->sin_port = htons(address.port);
      inet_pton(AF_INET, address.host.c_str(), &ip->sin_addr);
      length = sizeof(*ip);
    }
  }
};

uint16_t PortOf(const sockaddr_storage& address) {
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

// These return false, and errno, where the system refuses.
bool Bind(int fd, const ListenAddress& address) {
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (address.ipv6) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  }
  const SocketAddress where(address);
  return bind(fd, reinterpret_cast<const sockaddr*>(&where.storage),
              where.length) == 0;
}

bool Listen(int fd, const ListenAddress& address, uint16_t* port) {
  sockaddr_storage where{};
  socklen_t length = sizeof(where);
  if (!Bind(fd, address) || listen(fd, SOMAXCONN) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&where), &length) != 0) {
    return false;
  }
  *port = PortOf(where);
  return true;
}

int OpenSocket(const ListenAddress& address) {
  return socket(address.ipv6 ? AF_INET6 : AF_INET,
                SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

}  // namespace

absl::StatusOr<ListeningSocket> ListenOn(const ListenAddress& address) {
  ListeningSocket listening;
  listening.fd = OpenSocket(address);
  if (listening.fd >= 0 && Listen(listening.fd, address, &listening.port)) {
    return listening;
  }
  const int error = errno;
  if (listening.fd >= 0) close(listening.fd);
  return absl::UnavailableError(absl::StrCat(
      "cannot listen on ", address.ToString(), ": ", std::strerror(error),
      "; choose another address, or port 0 for any free one"));
}

bool InUse(const ListenAddress& address) {
  if (address.port == 0) return false;
  const int probe = OpenSocket(address);
  if (probe < 0) return false;
  const bool in_use = !Bind(probe, address) && errno == EADDRINUSE;
  close(probe);
  return in_use;
}

Peer PeerOf(const sockaddr_storage& address) {
  Peer peer;
  if (address.ss_family == AF_INET6) {
    peer.ipv6 = true;
    std::memcpy(&peer.network,
                &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr,
                sizeof(peer.network));
  } else {
    peer.network =
        reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr;
  }
  return peer;
}

}  // namespace poolscope
