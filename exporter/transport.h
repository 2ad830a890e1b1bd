// Transport: the bytes of one connection, plain or encrypted, never waiting.
//
//   TransportSecurity, or none --Wrap(fd)--> Transport
//   HttpConnection --Handshake, Read, Write, ShutDown--> Transport --> socket
//
// So that HttpServer knows no TLS: who wants it gives the server a
// TransportSecurity (tls/tls_security.h), and who does not links no OpenSSL.
//
// Thread safety: a transport is thread-compatible, its server's I/O thread's;
// Wrap() is thread-safe. The socket is non-blocking, and its owner closes it
// after the transport is gone.
#ifndef POOLSCOPE_EXPORTER_TRANSPORT_H_
#define POOLSCOPE_EXPORTER_TRANSPORT_H_

#include <cstddef>
#include <memory>

#include "absl/strings/string_view.h"

namespace poolscope {

enum class IoStatus {
  kDone,
  kWantsToRead,   // go on when the socket can be read
  kWantsToWrite,  // go on when it can be written
  kEnded,         // the peer has no more to say
  kFailed,        // it is gone, or broke the rules
};

struct IoResult {
  IoStatus status = IoStatus::kDone;
  size_t bytes = 0;  // at least one, of what is done
};

class Transport {
 public:
  virtual ~Transport() = default;

  // Until it is done, nothing is read or written.
  virtual IoStatus Handshake() = 0;
  // Up to `size` > 0 bytes to `into`.
  virtual IoResult Read(char* into, size_t size) = 0;
  // A part of `bytes`, which are not empty. Where it is not done, the next
  // Write() begins with the same bytes.
  virtual IoResult Write(absl::string_view bytes) = 0;
  // Tells the peer that nothing more will be written, as far as that goes
  // without waiting.
  virtual void ShutDown() = 0;
};

class TransportSecurity {
 public:
  virtual ~TransportSecurity() = default;

  // Null where there is no memory for it.
  virtual std::unique_ptr<Transport> Wrap(int fd) = 0;

  // Whether whom it does not know is turned away.
  virtual bool knows_clients() const = 0;
};

// Without any security.
std::unique_ptr<Transport> PlainTransport(int fd);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_TRANSPORT_H_
