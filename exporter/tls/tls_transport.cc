#include "poolscope/exporter/tls/tls_transport.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cstddef>

namespace poolscope {
namespace {

class Tls final : public Transport {
 public:
  Tls(SSL* ssl, int fd) : ssl_(ssl), fd_(fd) {}

  IoStatus Handshake() override {
    ERR_clear_error();
    return StatusOf(SSL_accept(ssl_.get()));
  }

  IoResult Read(char* into, size_t size) override {
    ERR_clear_error();
    size_t bytes = 0;
    const IoStatus status =
        StatusOf(SSL_read_ex(ssl_.get(), into, size, &bytes));
    return {status, bytes};
  }

  IoResult Write(absl::string_view bytes) override {
    ERR_clear_error();
    size_t written = 0;
    const IoStatus status = StatusOf(
        SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written));
    return {status, written};
  }

  void ShutDown() override {
    ERR_clear_error();
    // Not after a failure, and once (SSL_shutdown(3)).
    if (!failed_ && SSL_is_init_finished(ssl_.get()) != 0 &&
        (SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) == 0) {
      SSL_shutdown(ssl_.get());
    }
    shutdown(fd_, SHUT_WR);
  }

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  // Of what a call returned that gives 1 when it is done.
  IoStatus StatusOf(int result) {
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_NONE:
        return IoStatus::kDone;
      case SSL_ERROR_WANT_READ:
        return IoStatus::kWantsToRead;
      case SSL_ERROR_WANT_WRITE:
        return IoStatus::kWantsToWrite;
      case SSL_ERROR_ZERO_RETURN:
        return IoStatus::kEnded;
      default:
        failed_ = true;
        return IoStatus::kFailed;
    }
  }

  const std::unique_ptr<SSL, Free> ssl_;
  const int fd_;
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<Transport> TlsTransport(SSL_CTX* context, int fd) {
  SSL* const ssl = SSL_new(context);
  if (ssl == nullptr) return nullptr;
  if (SSL_set_fd(ssl, fd) != 1) {
    SSL_free(ssl);
    return nullptr;
  }
  return std::make_unique<Tls>(ssl, fd);
}

}  // namespace poolscope
