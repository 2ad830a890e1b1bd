#include "poolscope/exporter/sidecar_environment.h"

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "poolscope/exporter/tls/tls_security.h"
#include "poolscope/exporter/transport.h"
#include "poolscope/exporter/users.h"

namespace poolscope {
namespace {

// Sets `*value` where the variable is set.
void ReadText(const char* variable, std::string* value) {
  const char* const text = std::getenv(variable);
  if (text != nullptr) *value = text;
}

absl::Status ReadBool(const char* variable, bool* value) {
  const char* const text = std::getenv(variable);
  if (text == nullptr) return absl::OkStatus();
  const absl::string_view word = text;
  if (word != "yes" && word != "no") {
    return absl::InvalidArgumentError(absl::StrCat(
        variable, " is \"", absl::CHexEscape(word), "\": give yes or no"));
  }
  *value = word == "yes";
  return absl::OkStatus();
}

absl::Status ReadUsers(const char* variable, std::vector<User>* value) {
  const char* const path = std::getenv(variable);
  if (path == nullptr) return absl::OkStatus();
  absl::StatusOr<std::vector<User>> users = ReadUsersFile(path);
  if (!users.ok()) {
    return absl::Status(users.status().code(),
                        absl::StrCat(variable, ": ", users.status().message()));
  }
  *value = *std::move(users);
  return absl::OkStatus();
}

absl::Status ReadTls(std::shared_ptr<TransportSecurity>* value) {
  TlsFiles files;
  ReadText("POOLSCOPE_TLS_CERT_FILE", &files.cert_file);
  ReadText("POOLSCOPE_TLS_KEY_FILE", &files.key_file);
  ReadText("POOLSCOPE_TLS_CLIENT_CA_FILE", &files.client_ca_file);
  files.on_reload = &SayReloadOnStderr;
  absl::StatusOr<std::shared_ptr<TlsSecurity>> tls =
      TlsSecurity::LoadIfGiven(std::move(files));
  if (!tls.ok()) {
    return absl::Status(
        tls.status().code(),
        absl::StrCat("POOLSCOPE_TLS_...: ", tls.status().message()));
  }
  if (*tls != nullptr) *value = *std::move(tls);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SidecarOptions> SidecarOptionsFromEnvironment(
    SidecarOptions options) {
  ReadText("POOLSCOPE_LISTEN", &options.listen_address);
  ReadText("POOLSCOPE_HEALTH_LISTEN", &options.health_listen);
  ReadText("POOLSCOPE_BLACK_BOX", &options.black_box_path);
  const char* const hosts = std::getenv("POOLSCOPE_HOSTS");
  if (hosts != nullptr) options.hosts = SplitHosts(hosts);
  absl::Status status =
      ReadBool("POOLSCOPE_ALLOW_REMOTE", &options.allow_remote);
  status.Update(ReadUsers("POOLSCOPE_USERS_FILE", &options.users));
  status.Update(ReadTls(&options.security));
  if (!status.ok()) return status;
  return options;
}

std::vector<std::string> SplitHosts(absl::string_view list) {
  std::vector<std::string> hosts;
  if (list.empty()) return hosts;
  for (const absl::string_view host : absl::StrSplit(list, ',')) {
    hosts.emplace_back(absl::StripAsciiWhitespace(host));
  }
  return hosts;
}

}  // namespace poolscope
