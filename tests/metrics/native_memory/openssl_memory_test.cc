// Real handshakes: what connections hold is counted, within 2 % of malloc's own
// count. With a main() of its own, as the functions come before everything.
#include "poolscope/metrics/native_memory/openssl_memory.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/metrics/native_memory/native_memory_category.h"
#include "poolscope/tests/metrics/native_memory/malloc_in_use.h"

namespace poolscope {
namespace {

absl::Status tracking;  // what the call in main() said

NativeMemoryTag OpenSsl() {
  for (const NativeMemoryTag& tag : NativeMemoryCategory::Snapshot()) {
    if (tag.name == "OpenSSL") return tag;
  }
  ADD_FAILURE() << "OpenSSL is not registered";
  return {};
}

struct Deleter {
  void operator()(SSL* ssl) { SSL_free(ssl); }
  void operator()(SSL_CTX* context) { SSL_CTX_free(context); }
  void operator()(EVP_PKEY* key) { EVP_PKEY_free(key); }
  void operator()(X509* certificate) { X509_free(certificate); }
};

// A server with a certificate of its own making, and a client.
class TlsContexts {
 public:
  TlsContexts()
      : server_(SSL_CTX_new(TLS_server_method())),
        client_(SSL_CTX_new(TLS_client_method())) {
    const std::unique_ptr<EVP_PKEY, Deleter> key(EVP_EC_gen("P-256"));
    const std::unique_ptr<X509, Deleter> certificate(X509_new());
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    SSL_CTX_use_certificate(server_.get(), certificate.get());
    SSL_CTX_use_PrivateKey(server_.get(), key.get());
  }

  SSL_CTX* server() const { return server_.get(); }
  SSL_CTX* client() const { return client_.get(); }

 private:
  const std::unique_ptr<SSL_CTX, Deleter> server_;
  const std::unique_ptr<SSL_CTX, Deleter> client_;
};

// Both ends of a connection over a socket pair, past their handshake.
class Connection {
 public:
  explicit Connection(const TlsContexts& contexts)
      : server_(SSL_new(contexts.server())),
        client_(SSL_new(contexts.client())) {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                         sockets_),
              0);
    SSL_set_fd(server_.get(), sockets_[0]);
    SSL_set_fd(client_.get(), sockets_[1]);
    SSL_set_accept_state(server_.get());
    SSL_set_connect_state(client_.get());
    for (int turn = 0; turn < 10; ++turn) {
      SSL_do_handshake(client_.get());
      SSL_do_handshake(server_.get());
    }
    EXPECT_TRUE(SSL_is_init_finished(server_.get()));
    EXPECT_TRUE(SSL_is_init_finished(client_.get()));
    char byte = 'x';
    EXPECT_EQ(SSL_write(client_.get(), &byte, 1), 1);
    EXPECT_EQ(SSL_read(server_.get(), &byte, 1), 1);
    EXPECT_EQ(SSL_write(server_.get(), &byte, 1), 1);
    EXPECT_EQ(SSL_read(client_.get(), &byte, 1), 1);
  }
  ~Connection() {
    close(sockets_[0]);
    close(sockets_[1]);
  }

 private:
  int sockets_[2];
  const std::unique_ptr<SSL, Deleter> server_;
  const std::unique_ptr<SSL, Deleter> client_;
};

TEST(OpenSslMemoryTest, ConnectionsAreCountedWithinTwoPercentOfMalloc) {
  ASSERT_TRUE(tracking.ok()) << tracking;
  constexpr size_t kConnections = 200;
  const TlsContexts contexts;
  {
    const Connection first(contexts);  // what OpenSSL keeps for good
  }
  std::vector<std::unique_ptr<Connection>> connections;
  connections.reserve(kConnections);
  const NativeMemoryTag before = OpenSsl();
  const double malloc_before = MallocInUse();
  for (size_t i = 0; i < kConnections; ++i) {
    connections.push_back(std::make_unique<Connection>(contexts));
  }
  const double truth =
      MallocInUse() - malloc_before - kConnections * sizeof(Connection);
  const NativeMemoryTag full = OpenSsl();
  EXPECT_GT(truth, kConnections * 50000.0);
  EXPECT_NEAR(full.malloc_bytes - before.malloc_bytes, truth, 0.02 * truth);
  EXPECT_GT(full.malloc_count, before.malloc_count + 10 * kConnections);

  connections.clear();
  const NativeMemoryTag after = OpenSsl();
  EXPECT_LT(after.malloc_bytes, before.malloc_bytes + truth / 20)
      << "sessions that the context caches";
  EXPECT_GE(after.peak_committed_bytes, full.malloc_bytes);
}

TEST(OpenSslMemoryTest, BlocksGrowAndShrinkAndEnd) {
  const NativeMemoryTag before = OpenSsl();
  void* block = OPENSSL_malloc(1000);
  EXPECT_EQ(OpenSsl().malloc_count, before.malloc_count + 1);
  block = OPENSSL_realloc(block, 100000);
  EXPECT_EQ(OpenSsl().malloc_count, before.malloc_count + 1);
  EXPECT_NEAR(OpenSsl().malloc_bytes - before.malloc_bytes, 100000, 4096);
  block = OPENSSL_realloc(block, 10);
  EXPECT_NEAR(OpenSsl().malloc_bytes - before.malloc_bytes, 10, 64);
  OPENSSL_free(block);
  EXPECT_EQ(OpenSsl().malloc_bytes, before.malloc_bytes);
  block = OPENSSL_realloc(nullptr, 100);
  EXPECT_EQ(OpenSsl().malloc_count, before.malloc_count + 1);
  EXPECT_EQ(OPENSSL_realloc(block, 0), nullptr);
  EXPECT_EQ(OPENSSL_malloc(0), nullptr);
  OPENSSL_free(nullptr);
  EXPECT_EQ(OpenSsl().malloc_bytes, before.malloc_bytes);
  EXPECT_EQ(OpenSsl().malloc_count, before.malloc_count);
}

TEST(OpenSslMemoryTest, ALaterCallChangesNothing) {
  EXPECT_TRUE(TrackOpenSslMemory().ok());
}

}  // namespace
}  // namespace poolscope

int main(int argc, char** argv) {
  poolscope::tracking = poolscope::TrackOpenSslMemory();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
