// TlsTransport(): a Transport that speaks TLS, as a server.
//
// OpenSSL writes to the socket with write(), which raises SIGPIPE where the
// client has gone: on a thread that has it blocked, as the server's have.
//
// Thread safety: transport.h says.
#ifndef POOLSCOPE_EXPORTER_TLS_TLS_TRANSPORT_H_
#define POOLSCOPE_EXPORTER_TLS_TLS_TRANSPORT_H_

#include <memory>

#include "poolscope/exporter/transport.h"

typedef struct ssl_ctx_st SSL_CTX;

namespace poolscope {

// Keeps `context` alive itself. Null where there is no memory for it.
std::unique_ptr<Transport> TlsTransport(SSL_CTX* context, int fd);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_TLS_TLS_TRANSPORT_H_
