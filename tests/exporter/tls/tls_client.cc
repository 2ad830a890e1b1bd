#include "poolscope/tests/exporter/tls/tls_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/x509.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace poolscope {

TlsClient::TlsClient(int port, const TlsClientOptions& options)
    : context_(SSL_CTX_new(TLS_client_method())) {
  // OpenSSL's write() to a server that has closed.
  signal(SIGPIPE, SIG_IGN);
  // For what is too old for any other.
  SSL_CTX_set_cipher_list(context_, "ALL:@SECLEVEL=0");
  SSL_CTX_set_min_proto_version(context_, options.min_version);
  SSL_CTX_set_max_proto_version(context_, options.max_version);
  if (!options.ca_file.empty()) {
    SSL_CTX_load_verify_file(context_, options.ca_file.c_str());
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  }
  if (!options.cert_file.empty()) {
    SSL_CTX_use_certificate_chain_file(context_, options.cert_file.c_str());
    SSL_CTX_use_PrivateKey_file(context_, options.key_file.c_str(),
                                SSL_FILETYPE_PEM);
  }
  if (!options.alpn.empty()) {
    SSL_CTX_set_alpn_protos(
        context_, reinterpret_cast<const unsigned char*>(options.alpn.data()),
        options.alpn.size());
  }
  ssl_ = SSL_new(context_);
  socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience = {20, 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  SSL_set_fd(ssl_, socket_);
  connected_ = connect(socket_, reinterpret_cast<sockaddr*>(&address),
                       sizeof(address)) == 0 &&
               SSL_connect(ssl_) == 1;
}

TlsClient::~TlsClient() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
  close(socket_);
}

std::string TlsClient::alpn() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return std::string(reinterpret_cast<const char*>(name), size);
}

std::string TlsClient::peer_name() const {
  X509* const certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr) return "";
  char name[256] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
                            name, sizeof(name));
  return name;
}

void TlsClient::Send(absl::string_view bytes) {
  if (!bytes.empty()) SSL_write(ssl_, bytes.data(), bytes.size());
}

std::string TlsClient::ReceiveAll() {
  std::string all;
  char buffer[65536];
  int got;
  while ((got = SSL_read(ssl_, buffer, sizeof(buffer))) > 0) {
    all.append(buffer, got);
  }
  return all;
}

std::string TlsClient::Get(absl::string_view target) {
  Send(absl::StrCat("GET ", target,
                    " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    "\r\n"));
  const std::string all = ReceiveAll();
  const size_t end = all.find("\r\n\r\n");
  return end == std::string::npos ? "" : all.substr(end + 4);
}

}  // namespace poolscope
