// A TLS client over a blocking socket.
#ifndef POOLSCOPE_TESTS_EXPORTER_TLS_TLS_CLIENT_H_
#define POOLSCOPE_TESTS_EXPORTER_TLS_TLS_CLIENT_H_

#include <openssl/ssl.h>

#include <string>

#include "absl/strings/string_view.h"

namespace poolscope {

struct TlsClientOptions {
  std::string ca_file;    // whom it trusts; empty: everybody
  std::string cert_file;  // its own certificate, or empty
  std::string key_file;
  int min_version = 0;  // TLS1_2_VERSION; 0: any
  int max_version = 0;
  std::string alpn;  // "\x08http/1.1", or empty
};

class TlsClient {
 public:
  // Connects to 127.0.0.1 and shakes hands. Reads give up after 20 s.
  TlsClient(int port, const TlsClientOptions& options);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  bool connected() const { return connected_; }
  std::string version() const { return SSL_get_version(ssl_); }
  std::string alpn() const;
  // The name in the server's certificate.
  std::string peer_name() const;

  void Send(absl::string_view bytes);
  // What comes until the server closes.
  std::string ReceiveAll();
  // The body of the answer to a GET, the last on this connection; empty where
  // there was none.
  std::string Get(absl::string_view target);

 private:
  SSL_CTX* context_;
  SSL* ssl_;
  int socket_;
  bool connected_ = false;
};

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_EXPORTER_TLS_TLS_CLIENT_H_
