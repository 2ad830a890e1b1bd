// Both ends of one connection, on one thread.

#include "poolscope/exporter/tls/tls_transport.h"

#include <fcntl.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/exporter/tls/tls_security.h"
#include "poolscope/exporter/transport.h"
#include "poolscope/tests/exporter/tls/test_authority.h"

namespace poolscope {
namespace {

class TlsTransportTest : public testing::Test {
 protected:
  TlsTransportTest() {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_), 0);
    const std::string stem =
        absl::StrCat(testing::TempDir(), "/", getpid(), "-transport");
    TlsFiles files;
    files.cert_file = stem + ".crt";
    files.key_file = stem + ".key";
    TestAuthority("authority").Issue("server", files.cert_file, files.key_file);
    security_ = *TlsSecurity::Load(files);
    server_ = security_->Wrap(ends_[0]);
    client_context_ = SSL_CTX_new(TLS_client_method());
    client_ = SSL_new(client_context_);
    SSL_set_fd(client_, ends_[1]);
  }
  ~TlsTransportTest() override {
    server_.reset();
    SSL_free(client_);
    SSL_CTX_free(client_context_);
    for (const int end : ends_) close(end);
  }

  void ShakeHands() {
    IoStatus server = IoStatus::kWantsToRead;
    int client = 0;
    for (int i = 0; i < 10 && (client != 1 || server != IoStatus::kDone); ++i) {
      client = SSL_connect(client_);
      if (server != IoStatus::kDone) server = server_->Handshake();
    }
    ASSERT_EQ(client, 1);
    ASSERT_EQ(server, IoStatus::kDone);
  }

  int ends_[2];
  std::shared_ptr<TlsSecurity> security_;
  std::unique_ptr<Transport> server_;
  SSL_CTX* client_context_;
  SSL* client_;
};

// A client that sends nothing else, and without end, is one of many.
TEST_F(TlsTransportTest, OneReadTakesOneUpdateOfTheKeys) {
  ShakeHands();
  constexpr int kUpdates = 20;
  for (int i = 0; i < kUpdates; ++i) {
    ASSERT_EQ(SSL_key_update(client_, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    ASSERT_EQ(SSL_do_handshake(client_), 1);
  }
  ASSERT_EQ(SSL_write(client_, "a", 1), 1);
  char bytes[16];
  for (int i = 0; i < kUpdates; ++i) {
    EXPECT_EQ(server_->Read(bytes, sizeof(bytes)).status,
              IoStatus::kWantsToRead)
        << i;
  }
  const IoResult result = server_->Read(bytes, sizeof(bytes));
  EXPECT_EQ(result.status, IoStatus::kDone);
  EXPECT_EQ(std::string(bytes, result.bytes), "a");
}

}  // namespace
}  // namespace poolscope
