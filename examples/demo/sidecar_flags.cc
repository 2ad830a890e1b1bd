#include "poolscope/examples/demo/sidecar_flags.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "poolscope/exporter/sidecar_environment.h"
#include "poolscope/exporter/tls/tls_security.h"
#include "poolscope/exporter/users.h"

ABSL_FLAG(std::string, listen, "",
          "ADDRESS:PORT of /metrics and the /debug pages; port 0 picks a free "
          "one");
ABSL_FLAG(
    std::string, health_listen, "",
    "ADDRESS:PORT of a listener that has /healthz and /-/ready alone, and "
    "answers while the other is busy");
ABSL_FLAG(std::string, users_file, "",
          "file of users and bcrypt hashes, by role: who may ask for what; see "
          "docs/security.md");
ABSL_FLAG(
    std::string, tls_cert_file, "",
    "PEM file of the server's certificate: the pages are served by https; "
    "see docs/security.md");
ABSL_FLAG(std::string, tls_key_file, "", "PEM file of its key");
ABSL_FLAG(std::string, tls_client_ca_file, "",
          "PEM file of authorities: who shows no certificate of theirs is "
          "turned away");
ABSL_FLAG(std::string, hosts, "",
          "names that the server goes by, with commas between them, beside its "
          "addresses and localhost");
ABSL_FLAG(std::string, allow_remote, "",
          "yes or no: whether to listen on an address that is not loopback "
          "though figures and passwords are not encrypted");
ABSL_FLAG(absl::Duration, walk_interval, absl::Seconds(30),
          "time between two walks over the mappings, for the metrics of native "
          "memory, such as 1s; 0: none");

ABSL_FLAG(std::string, black_box, "",
          "FILE that keeps the figures of the last minutes, for "
          "poolscope-blackbox");

namespace poolscope::demo {

absl::string_view SidecarFlagDefault(absl::string_view name) {
  if (name == "listen") return "$POOLSCOPE_LISTEN, else 127.0.0.1:9464";
  if (name == "health_listen") return "$POOLSCOPE_HEALTH_LISTEN, else none";
  if (name == "users_file") return "$POOLSCOPE_USERS_FILE, else no passwords";
  if (name == "tls_cert_file") return "$POOLSCOPE_TLS_CERT_FILE, else no TLS";
  if (name == "tls_key_file") return "$POOLSCOPE_TLS_KEY_FILE";
  if (name == "tls_client_ca_file") {
    return "$POOLSCOPE_TLS_CLIENT_CA_FILE, else no certificates of clients";
  }
  if (name == "hosts") return "$POOLSCOPE_HOSTS, else none";
  if (name == "allow_remote") return "$POOLSCOPE_ALLOW_REMOTE, else no";
  if (name == "black_box") return "$POOLSCOPE_BLACK_BOX, else none";
  return "";
}

absl::StatusOr<SidecarOptions> SidecarOptionsFromFlags() {
  absl::StatusOr<SidecarOptions> options = SidecarOptionsFromEnvironment();
  if (!options.ok()) return options;
  options->walk_interval = absl::GetFlag(FLAGS_walk_interval);
  const std::string listen = absl::GetFlag(FLAGS_listen);
  if (!listen.empty()) options->listen_address = listen;
  const std::string health_listen = absl::GetFlag(FLAGS_health_listen);
  if (!health_listen.empty()) options->health_listen = health_listen;
  const std::string users_file = absl::GetFlag(FLAGS_users_file);
  if (!users_file.empty()) {
    absl::StatusOr<std::vector<User>> users = ReadUsersFile(users_file);
    if (!users.ok()) return users.status();
    options->users = *std::move(users);
  }
  TlsFiles files;
  files.cert_file = absl::GetFlag(FLAGS_tls_cert_file);
  files.key_file = absl::GetFlag(FLAGS_tls_key_file);
  files.client_ca_file = absl::GetFlag(FLAGS_tls_client_ca_file);
  files.on_reload = &SayReloadOnStderr;
  absl::StatusOr<std::shared_ptr<TlsSecurity>> tls =
      TlsSecurity::LoadIfGiven(std::move(files));
  if (!tls.ok()) return tls.status();
  if (*tls != nullptr) options->security = *std::move(tls);
  const std::string hosts = absl::GetFlag(FLAGS_hosts);
  if (!hosts.empty()) options->hosts = SplitHosts(hosts);
  const std::string allow_remote = absl::GetFlag(FLAGS_allow_remote);
  if (!allow_remote.empty()) {
    if (allow_remote != "yes" && allow_remote != "no") {
      return absl::InvalidArgumentError(
          absl::StrCat("--allow_remote is '", absl::CHexEscape(allow_remote),
                       "': give yes or no"));
    }
    options->allow_remote = allow_remote == "yes";
  }
  const std::string black_box = absl::GetFlag(FLAGS_black_box);
  if (!black_box.empty()) options->black_box_path = black_box;
  return options;
}

}  // namespace poolscope::demo
