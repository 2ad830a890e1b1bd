// A sidecar with TLS, told of it in each of the ways there are.

#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "poolscope/exporter/c/poolscope.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/exporter/sidecar_environment.h"
#include "poolscope/exporter/sidecar_options.h"
#include "poolscope/exporter/tls/tls_security.h"
#include "poolscope/tests/exporter/http_client.h"
#include "poolscope/tests/exporter/sample_users.h"
#include "poolscope/tests/exporter/tls/test_authority.h"
#include "poolscope/tests/exporter/tls/tls_client.h"

namespace poolscope {
namespace {

class SidecarTlsTest : public testing::Test {
 protected:
  SidecarTlsTest() {
    const TestAuthority authority("authority");
    files_.cert_file = Path("server.crt");
    files_.key_file = Path("server.key");
    authority.Issue("server", files_.cert_file, files_.key_file);
    ca_file_ = Path("ca.crt");
    authority.WriteCertificate(ca_file_);
    client_.ca_file = ca_file_;
  }

  static std::string Path(const std::string& name) {
    return absl::StrCat(testing::TempDir(), "/", getpid(), "-", name);
  }

  TlsFiles files_;
  std::string ca_file_;
  TlsClientOptions client_;
};

TEST_F(SidecarTlsTest, ServesHttpsAndHealthInPlain) {
  SidecarOptions options;
  options.listen_address = "127.0.0.1:0";
  options.health_listen = "127.0.0.1:0";
  options.security = *TlsSecurity::Load(files_);
  const std::unique_ptr<Sidecar> sidecar = *Sidecar::Start(options);
  EXPECT_EQ(sidecar->url(),
            absl::StrCat("https://127.0.0.1:", sidecar->port()));
  EXPECT_TRUE(
      absl::StrContains(TlsClient(sidecar->port(), client_).Get("/metrics"),
                        "poolscope_build_info"));
  EXPECT_TRUE(absl::StartsWith(sidecar->health_url(), "http://"));
  EXPECT_EQ(Get(sidecar->health_port(), "/healthz").status, 200);
}

TEST_F(SidecarTlsTest, OpensWhatIsNotLoopbackToWhoIsKnown) {
  SidecarOptions options;
  options.listen_address = "0.0.0.0:0";
  const auto refusal = [](const SidecarOptions& asked) {
    return std::string(ValidateSidecarOptions(asked).message());
  };
  options.security = *TlsSecurity::Load(files_);
  EXPECT_EQ(refusal(options),
            "listen address \"0.0.0.0:0\" is not loopback and there is no "
            "password: whoever reaches it sees and does everything; use "
            "127.0.0.1, or TLS with users, or set SidecarOptions::allow_remote "
            "to mean it");
  options.users = SampleUsers();
  EXPECT_EQ(refusal(options), "");
  options.security = nullptr;
  EXPECT_EQ(refusal(options),
            "listen address \"0.0.0.0:0\" is not loopback and nothing is "
            "encrypted: passwords could be read on the way; use 127.0.0.1 or "
            "TLS, or set SidecarOptions::allow_remote to mean it");
  options.users.clear();
  files_.client_ca_file = ca_file_;
  options.security = *TlsSecurity::Load(files_);
  EXPECT_EQ(refusal(options), "");
}

TEST_F(SidecarTlsTest, TheEnvironmentNamesTheFiles) {
  setenv("POOLSCOPE_LISTEN", "127.0.0.1:0", 1);
  setenv("POOLSCOPE_TLS_CERT_FILE", files_.cert_file.c_str(), 1);
  EXPECT_EQ(SidecarOptionsFromEnvironment().status().message(),
            "POOLSCOPE_TLS_...: TLS needs a key: give its file too");
  setenv("POOLSCOPE_TLS_KEY_FILE", files_.key_file.c_str(), 1);
  absl::StatusOr<SidecarOptions> options = SidecarOptionsFromEnvironment();
  ASSERT_TRUE(options.ok()) << options.status();
  ASSERT_NE(options->security, nullptr);
  EXPECT_FALSE(options->security->knows_clients());
  setenv("POOLSCOPE_TLS_CLIENT_CA_FILE", ca_file_.c_str(), 1);
  options = SidecarOptionsFromEnvironment();
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_TRUE(options->security->knows_clients());
  for (const char* variable :
       {"POOLSCOPE_LISTEN", "POOLSCOPE_TLS_CERT_FILE", "POOLSCOPE_TLS_KEY_FILE",
        "POOLSCOPE_TLS_CLIENT_CA_FILE"}) {
    unsetenv(variable);
  }
  EXPECT_EQ(SidecarOptionsFromEnvironment()->security, nullptr);
}

TEST_F(SidecarTlsTest, TheInterfaceForCNamesThem) {
  poolscope_sidecar_options options = POOLSCOPE_SIDECAR_OPTIONS_INIT;
  options.listen_address = "127.0.0.1:0";
  options.tls_cert_file = files_.cert_file.c_str();
  EXPECT_EQ(poolscope_sidecar_start(&options), nullptr);
  EXPECT_STREQ(poolscope_last_error(), "TLS needs a key: give its file too");
  options.tls_key_file = files_.key_file.c_str();
  poolscope_sidecar* const sidecar = poolscope_sidecar_start(&options);
  ASSERT_NE(sidecar, nullptr) << poolscope_last_error();
  EXPECT_TRUE(absl::StartsWith(poolscope_sidecar_url(sidecar), "https://"));
  EXPECT_EQ(TlsClient(poolscope_sidecar_port(sidecar), client_).Get("/healthz"),
            "ok\n");
  poolscope_sidecar_stop(sidecar);
  // Now clients need a certificate.
  options.tls_client_ca_file = ca_file_.c_str();
  poolscope_sidecar* const closed = poolscope_sidecar_start(&options);
  ASSERT_NE(closed, nullptr) << poolscope_last_error();
  EXPECT_EQ(TlsClient(poolscope_sidecar_port(closed), client_).Get("/healthz"),
            "");
  poolscope_sidecar_stop(closed);
}

}  // namespace
}  // namespace poolscope
