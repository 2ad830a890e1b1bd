// TLS over real sockets, with certificates made for the purpose.

#include "poolscope/exporter/tls/tls_security.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/http_server.h"
#include "poolscope/exporter/http_service.h"
#include "poolscope/exporter/listen_address.h"
#include "poolscope/tests/exporter/http_client.h"
#include "poolscope/tests/exporter/tls/test_authority.h"
#include "poolscope/tests/exporter/tls/tls_client.h"

namespace poolscope {
namespace {

std::string Slurp(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class EchoService : public HttpService {
 public:
  HttpResponse Serve(const HttpRequest& request) override {
    if (request.path == "/large") {
      HttpResponse response;
      response.SetBody(large);
      return response;
    }
    return LineResponse(200, absl::StrCat("saw ", request.path));
  }
  void Served(absl::string_view, int, absl::Duration) override { ++served; }

  const std::string large = std::string(3 << 20, 'x');
  std::atomic<int> served = 0;
};

class TlsSecurityTest : public testing::Test {
 protected:
  TlsSecurityTest()
      : folder_(testing::TempDir()),
        authority_("authority"),
        other_authority_("other") {
    files_.cert_file = Path("server.crt");
    files_.key_file = Path("server.key");
    authority_.Issue("first", files_.cert_file, files_.key_file);
    authority_.WriteCertificate(Path("ca.crt"));
    client_.ca_file = Path("ca.crt");
  }

  std::string Path(const std::string& name) const {
    return absl::StrCat(folder_, "/", getpid(), "-", name);
  }

  void Start(absl::Duration timeout = absl::Seconds(10)) {
    auto security = TlsSecurity::Load(files_, &clock_);
    ASSERT_TRUE(security.ok()) << security.status();
    security_ = *std::move(security);
    HttpServerOptions options;
    options.address = *ParseListenAddress("127.0.0.1:0");
    options.security = security_;
    options.request_timeout = timeout;
    server_ = *HttpServer::Start(options, &service_);
    port_ = server_->port();
  }

  const std::string folder_;
  const TestAuthority authority_;
  const TestAuthority other_authority_;
  TlsFiles files_;
  TlsClientOptions client_;
  SimulatedClock clock_;
  EchoService service_;
  std::shared_ptr<TlsSecurity> security_;
  std::unique_ptr<HttpServer> server_;
  int port_ = 0;
};

TEST_F(TlsSecurityTest, ServesWhoTrustsItsAuthority) {
  Start();
  client_.alpn = "\x02h2\x08http/1.1";
  TlsClient client(port_, client_);
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(client.version(), "TLSv1.3");
  EXPECT_EQ(client.peer_name(), "first");
  EXPECT_EQ(client.alpn(), "http/1.1");
  EXPECT_EQ(client.Get("/a"), "saw /a\n");
  other_authority_.WriteCertificate(Path("other.crt"));
  client_.ca_file = Path("other.crt");
  EXPECT_FALSE(TlsClient(port_, client_).connected());
}

TEST_F(TlsSecurityTest, Tls12IsTheOldest) {
  Start();
  client_.max_version = TLS1_2_VERSION;
  TlsClient client(port_, client_);
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(client.version(), "TLSv1.2");
  EXPECT_EQ(client.Get("/"), "saw /\n");
  client_.max_version = TLS1_1_VERSION;
  EXPECT_FALSE(TlsClient(port_, client_).connected());
}

TEST_F(TlsSecurityTest, OtherProtocolsAreRefused) {
  Start();
  client_.alpn = "\x02h2";
  EXPECT_FALSE(TlsClient(port_, client_).connected());
}

TEST_F(TlsSecurityTest, SendsLargeBodiesAndOneAnswerAfterAnother) {
  Start();
  TlsClient client(port_, client_);
  client.Send(
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(client.Get("/large").size() > service_.large.size());
  EXPECT_EQ(service_.served, 3);
  TlsClient another(port_, client_);
  EXPECT_TRUE(another.Get("/large") == service_.large);
}

TEST_F(TlsSecurityTest, PlainHttpIsClosedAndCounted) {
  Start();
  EXPECT_EQ(Get(port_, "/").status, 0);
  EXPECT_EQ(service_.served, 0);
  TlsClient client(port_, client_);
  EXPECT_EQ(client.Get("/"), "saw /\n");
  EXPECT_EQ(server_->stats().failed_handshakes, 1u);
}

TEST_F(TlsSecurityTest, SilentHandshakesAreClosedAndHoldUpNobody) {
  Start(absl::Milliseconds(300));
  std::vector<std::unique_ptr<HttpClient>> silent;
  for (int i = 0; i < 20; ++i) {
    silent.push_back(std::make_unique<HttpClient>(port_));
  }
  HttpClient halfway(port_);
  halfway.Send("\x16\x03\x01\x02");
  EXPECT_EQ(TlsClient(port_, client_).Get("/"), "saw /\n");
  for (const auto& each : silent) EXPECT_TRUE(each->AtEnd());
  EXPECT_TRUE(halfway.AtEnd());
  EXPECT_EQ(service_.served, 1);
}

TEST_F(TlsSecurityTest, ClientsNeedACertificateOfTheAuthority) {
  files_.client_ca_file = Path("ca.crt");
  Start();
  EXPECT_TRUE(security_->knows_clients());
  EXPECT_EQ(TlsClient(port_, client_).Get("/"), "");
  client_.cert_file = Path("client.crt");
  client_.key_file = Path("client.key");
  other_authority_.Issue("mallory", client_.cert_file, client_.key_file);
  EXPECT_EQ(TlsClient(port_, client_).Get("/"), "");
  EXPECT_EQ(service_.served, 0);
  authority_.Issue("alice", client_.cert_file, client_.key_file);
  EXPECT_EQ(TlsClient(port_, client_).Get("/"), "saw /\n");
  client_.max_version = TLS1_2_VERSION;
  EXPECT_EQ(TlsClient(port_, client_).Get("/"), "saw /\n");
}

TEST_F(TlsSecurityTest, ReadsChangedFilesOnceThereAreDescriptorsForIt) {
  std::vector<absl::Status> reloads;
  files_.on_reload = [&](const absl::Status& status) {
    reloads.push_back(status);
  };
  const auto security = TlsSecurity::Load(files_, &clock_);
  ASSERT_TRUE(security.ok()) << security.status();
  authority_.Issue("second", files_.cert_file, files_.key_file);
  rlimit before;
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit none = before;
  none.rlim_cur = 0;
  setrlimit(RLIMIT_NOFILE, &none);
  for (int i = 0; i < 2; ++i) (*security)->ReloadIfChanged();
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ((*security)->stats().failed_reloads, 1u);
  ASSERT_EQ(reloads.size(), 1u);
  EXPECT_TRUE(absl::StrContains(reloads[0].message(), "open files"))
      << reloads[0];
  for (int i = 0; i < 2; ++i) (*security)->ReloadIfChanged();
  EXPECT_EQ((*security)->stats().reloads, 1u);
  ASSERT_EQ(reloads.size(), 2u);
  EXPECT_TRUE(reloads[1].ok());
}

TEST_F(TlsSecurityTest, ReadsChangedFilesAgainOnceASecond) {
  std::vector<absl::Status> reloads;
  files_.on_reload = [&](const absl::Status& status) {
    reloads.push_back(status);
  };
  Start();
  TlsClient kept(port_, client_);
  authority_.Issue("second", files_.cert_file, files_.key_file);
  clock_.Advance(TlsSecurity::kLookInterval - absl::Milliseconds(1));
  EXPECT_EQ(TlsClient(port_, client_).peer_name(), "first");
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(TlsClient(port_, client_).peer_name(), "second");
  EXPECT_EQ(security_->stats().reloads, 1u);
  // Who was connected before goes on.
  EXPECT_EQ(kept.Get("/kept"), "saw /kept\n");
  // Nothing changed since.
  clock_.Advance(TlsSecurity::kLookInterval);
  EXPECT_EQ(TlsClient(port_, client_).peer_name(), "second");
  server_.reset();
  ASSERT_EQ(reloads.size(), 1u);
  EXPECT_TRUE(reloads[0].ok()) << reloads[0];
}

TEST_F(TlsSecurityTest, AnAuthorityThatIsReplacedLetsNobodyInAnyMore) {
  files_.client_ca_file = Path("clients.crt");
  authority_.WriteCertificate(files_.client_ca_file);
  Start();
  client_.cert_file = Path("client.crt");
  client_.key_file = Path("client.key");
  authority_.Issue("alice", client_.cert_file, client_.key_file);
  EXPECT_EQ(TlsClient(port_, client_).Get("/"), "saw /\n");
  other_authority_.WriteCertificate(files_.client_ca_file);
  security_->ReloadIfChanged();
  EXPECT_EQ(security_->stats().reloads, 1u);
  EXPECT_EQ(TlsClient(port_, client_).Get("/"), "");
}

TEST_F(TlsSecurityTest, ABrokenPairLeavesTheOldOneAtWork) {
  std::string said;
  files_.on_reload = [&](const absl::Status& status) {
    said = std::string(status.message());
  };
  Start();
  const std::string old_key = Slurp(files_.key_file);
  authority_.Issue("second", files_.cert_file, files_.key_file);
  const std::string new_key = Slurp(files_.key_file);
  // The certificate is there, its key not yet.
  ReplaceFile(files_.key_file, old_key);
  security_->ReloadIfChanged();
  EXPECT_EQ(said,
            absl::StrCat("TLS key \"", files_.key_file,
                         "\": key values mismatch; give the key of the "
                         "certificate in PEM, not encrypted, and readable for "
                         "this user"));
  EXPECT_EQ(TlsClient(port_, client_).peer_name(), "first");
  ReplaceFile(files_.key_file, new_key);
  security_->ReloadIfChanged();
  EXPECT_EQ(said, "");
  EXPECT_EQ(TlsClient(port_, client_).peer_name(), "second");
  unlink(files_.cert_file.c_str());
  security_->ReloadIfChanged();
  EXPECT_TRUE(absl::StrContains(said, "No such file or directory")) << said;
  EXPECT_EQ(TlsClient(port_, client_).peer_name(), "second");
  EXPECT_EQ(security_->stats().reloads, 1u);
  EXPECT_EQ(security_->stats().failed_reloads, 2u);
}

TEST_F(TlsSecurityTest, AKeyOfAnotherKindIsRefusedTooAndLeavesTheOldPair) {
  Start();
  EVP_PKEY* const rsa = EVP_RSA_gen(2048);
  BIO* const text = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(text, rsa, nullptr, nullptr, 0, nullptr, nullptr);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text, &bytes);
  ReplaceFile(files_.key_file, std::string(bytes, size));
  BIO_free(text);
  EVP_PKEY_free(rsa);
  security_->ReloadIfChanged();
  EXPECT_EQ(security_->stats().failed_reloads, 1u);
  EXPECT_EQ(TlsClient(port_, client_).peer_name(), "first");
  const absl::Status status = TlsSecurity::Load(files_).status();
  EXPECT_TRUE(absl::StrContains(status.message(), "TLS key")) << status;
}

TEST_F(TlsSecurityTest, ErrorsNameTheFileAndNoSecret) {
  const auto error = [](const TlsFiles& files) {
    const absl::Status status = TlsSecurity::Load(files).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_FALSE(absl::StrContains(status.message(), "PRIVATE"));
    EXPECT_FALSE(absl::StrContains(status.message(), '\n'));
    return std::string(status.message());
  };
  TlsFiles files = files_;
  files.cert_file = "/nowhere";
  EXPECT_EQ(error(files),
            "TLS certificate \"/nowhere\": No such file or directory; give the "
            "server's certificate in PEM, and behind it those up to its "
            "authority's");
  files = files_;
  files.key_file = files_.cert_file;
  EXPECT_TRUE(absl::StartsWith(
      error(files), absl::StrCat("TLS key \"", files_.cert_file, "\": ")));
  files.key_file = Path("garbage");
  ReplaceFile(files.key_file, "-----BEGIN PRIVATE KEY-----\nMIGH\n");
  EXPECT_TRUE(absl::StartsWith(error(files), "TLS key \""));
  files.key_file = Path("pipe");
  ASSERT_EQ(mkfifo(files.key_file.c_str(), 0600), 0);
  EXPECT_EQ(error(files),
            absl::StrCat("TLS file \"", files.key_file,
                         "\": it is no regular file; give one in PEM"));
  unlink(files.key_file.c_str());
  files = files_;
  files.client_ca_file = "/nowhere";
  EXPECT_EQ(error(files),
            "TLS authorities of clients \"/nowhere\": No such file or "
            "directory; give certificates in PEM");
  files.cert_file = "";
  EXPECT_EQ(error(files), "TLS needs a certificate: give its file too");
  files = files_;
  files.key_file = "";
  EXPECT_EQ(error(files), "TLS needs a key: give its file too");
  EXPECT_EQ(*TlsSecurity::LoadIfGiven(TlsFiles()), nullptr);
  EXPECT_FALSE(TlsSecurity::LoadIfGiven(files).ok());
}

}  // namespace
}  // namespace poolscope
