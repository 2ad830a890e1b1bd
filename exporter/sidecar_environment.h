// SidecarOptionsFromEnvironment(): what the environment says of a sidecar.
//
//   POOLSCOPE_LISTEN         ADDRESS:PORT
//   POOLSCOPE_HEALTH_LISTEN  ADDRESS:PORT of the health pages alone
//   POOLSCOPE_USERS_FILE     the file of users (users.h)
//   POOLSCOPE_TLS_CERT_FILE, POOLSCOPE_TLS_KEY_FILE,
//   POOLSCOPE_TLS_CLIENT_CA_FILE   TLS (tls/tls_security.h); what becomes of
//                            changed files is said on standard error
//   POOLSCOPE_HOSTS          names it goes by, with commas between them
//   POOLSCOPE_ALLOW_REMOTE   yes or no
//   POOLSCOPE_BLACK_BOX      the file that keeps the last minutes
//
// For programs that have no options of their own for it; a sidecar does not
// look there by itself.
#ifndef POOLSCOPE_EXPORTER_SIDECAR_ENVIRONMENT_H_
#define POOLSCOPE_EXPORTER_SIDECAR_ENVIRONMENT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "poolscope/exporter/sidecar_options.h"

namespace poolscope {

// `options` with what is set in the environment. InvalidArgumentError or
// NotFoundError name the variable and what is wrong with it; whether the
// options go together is for Sidecar::Start() to say. Not beside setenv().
absl::StatusOr<SidecarOptions> SidecarOptionsFromEnvironment(
    SidecarOptions options = {});

// The names in a list such as "a.example, b.example".
std::vector<std::string> SplitHosts(absl::string_view list);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_SIDECAR_ENVIRONMENT_H_
