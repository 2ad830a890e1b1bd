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
    const std::string stem =
        absl::StrCat(testing::TempDir(), "/", getpid(), "-transport");
    TlsFiles files;
    files.cert_file = stem + ".crt";
    files.key_file = stem + ".key";
    TestAuthority("authority").Issue("server", files.cert_file, files.key_file);
    security_ = *TlsSecurity::Load(files);
    client_context_ = SSL_CTX_new(TLS_client_method());
    Connect();
  }
  ~TlsTransportTest() override {
    Disconnect();
    SSL_CTX_free(client_context_);
  }

  void Connect() {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_), 0);
    server_ = security_->Wrap(ends_[0]);
    client_ = SSL_new(client_context_);
    SSL_set_fd(client_, ends_[1]);
  }
  void Disconnect() {
    server_.reset();
    SSL_free(client_);
    for (const int end : ends_) close(end);
  }
  // To a connection of its own.
  void Reset() {
    Disconnect();
    Connect();
  }

  // How it ends for the server.
  IoStatus TryToShakeHands() {
    IoStatus server = IoStatus::kWantsToRead;
    int client = 0;
    for (int i = 0; i < 10 && (client != 1 || server != IoStatus::kDone); ++i) {
      client = SSL_connect(client_);
      if (server != IoStatus::kDone) server = server_->Handshake();
      if (server == IoStatus::kFailed) break;
    }
    return server;
  }
  void ShakeHands() {
    ASSERT_EQ(TryToShakeHands(), IoStatus::kDone);
    ASSERT_EQ(SSL_is_init_finished(client_), 1);
  }

  int ends_[2];
  std::shared_ptr<TlsSecurity> security_;
  std::unique_ptr<Transport> server_;
  SSL_CTX* client_context_;
  SSL* client_;
};

TEST_F(TlsTransportTest, AWriteTakesAPart) {
  ShakeHands();
  const std::string large(8 << 20, 'x');  // more than the sockets hold
  const IoResult result = server_->Write(large);
  EXPECT_EQ(result.status, IoStatus::kDone);
  EXPECT_GT(result.bytes, 0u);
  EXPECT_LT(result.bytes, large.size());
}

TEST_F(TlsTransportTest, TheEndIsToldInsideOfTheEncryption) {
  ShakeHands();
  server_->ShutDown();
  char byte;
  const int got = SSL_read(client_, &byte, 1);
  EXPECT_EQ(SSL_get_error(client_, got), SSL_ERROR_ZERO_RETURN);
}

TEST_F(TlsTransportTest, NoSessionCanBeResumed) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Reset();
    SSL_set_max_proto_version(client_, version);
    ShakeHands();
    EXPECT_EQ(SSL_version(client_), version);
    // A ticket may come behind the handshake.
    char byte;
    EXPECT_EQ(SSL_read(client_, &byte, 1), -1);
    EXPECT_EQ(SSL_SESSION_is_resumable(SSL_get0_session(client_)), 0);
  }
}

TEST_F(TlsTransportTest, WhatAuthenticatesApartFromEncryptingIsRefused) {
  SSL_set_max_proto_version(client_, TLS1_2_VERSION);
  SSL_set_cipher_list(client_, "ECDHE-ECDSA-AES128-SHA256");
  EXPECT_EQ(TryToShakeHands(), IoStatus::kFailed);
  Reset();
  SSL_set_max_proto_version(client_, TLS1_2_VERSION);
  SSL_set_cipher_list(client_, "ECDHE-ECDSA-AES128-GCM-SHA256");
  EXPECT_EQ(TryToShakeHands(), IoStatus::kDone);
}

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
