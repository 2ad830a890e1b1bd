#include "poolscope/exporter/sidecar_options.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "poolscope/exporter/blackbox/black_box_file.h"
#include "poolscope/exporter/host_names.h"
#include "poolscope/exporter/listen_address.h"

namespace poolscope {
namespace {

absl::Status CheckRange(absl::string_view option, bool in_range,
                        absl::string_view value, absl::string_view bounds) {
  if (in_range) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(option, " is ", value, "; it must be ", bounds));
}

absl::Status CheckInterval(absl::string_view option, absl::Duration interval) {
  return CheckRange(
      option,
      interval == absl::ZeroDuration() ||
          (interval >= absl::Milliseconds(1) && interval <= absl::Hours(1)),
      absl::FormatDuration(interval), "0 (never) or from 1ms to 1h");
}

absl::Status CheckHealthListen(const SidecarOptions& options) {
  if (options.health_listen.empty()) return absl::OkStatus();
  const absl::Status status =
      ParseListenAddress(options.health_listen).status();
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat("health_listen: ", status.message()));
}

// Whether figures and passwords stay on this machine, or are meant to leave it.
absl::Status CheckExposure(const SidecarOptions& options) {
  if (options.listen_address.empty()) return absl::OkStatus();
  const absl::StatusOr<ListenAddress> address =
      ParseListenAddress(options.listen_address);
  if (!address.ok()) return address.status();
  const bool encrypted = options.security != nullptr;
  const bool known_clients = !options.users.empty() ||
                             (encrypted && options.security->knows_clients());
  if (address->loopback || options.allow_remote ||
      (encrypted && known_clients)) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(absl::StrCat(
      "listen address \"", options.listen_address, "\" is not loopback and ",
      known_clients
          ? "nothing is encrypted: passwords could be read on the way; use "
            "127.0.0.1 or TLS"
          : "there is no password: whoever reaches it sees and does "
            "everything; use 127.0.0.1, or TLS with users",
      ", or set SidecarOptions::allow_remote to mean it"));
}

}  // namespace

absl::Status ValidateSidecarOptions(const SidecarOptions& options) {
  absl::Status status =
      CheckRange("server_threads",
                 options.server_threads >= 1 && options.server_threads <= 256,
                 absl::StrCat(options.server_threads), "from 1 to 256");
  status.Update(CheckRange("request_timeout",
                           options.request_timeout >= absl::Milliseconds(1) &&
                               options.request_timeout <= absl::Hours(1),
                           absl::FormatDuration(options.request_timeout),
                           "from 1ms to 1h"));
  status.Update(CheckRange(
      "max_request_bytes",
      options.max_request_bytes >= 1024 && options.max_request_bytes <= 1048576,
      absl::StrCat(options.max_request_bytes), "from 1024 to 1048576"));
  for (const auto& [option, value] :
       {std::pair<absl::string_view, int>("max_connections",
                                          options.max_connections),
        std::pair<absl::string_view, int>(
            "max_connections_per_address",
            options.max_connections_per_address)}) {
    status.Update(CheckRange(option, value >= 1 && value <= 65536,
                             absl::StrCat(value), "from 1 to 65536"));
  }
  status.Update(CheckInterval("maintain_interval", options.maintain_interval));
  status.Update(CheckInterval("sample_interval", options.sample_interval));
  status.Update(CheckInterval("walk_interval", options.walk_interval));
  status.Update(CheckRange(
      "black_box_bytes",
      options.black_box_bytes >= BlackBoxFile::kMinBytes &&
          options.black_box_bytes <= BlackBoxFile::kMaxBytes,
      absl::StrCat(options.black_box_bytes), "from 1048576 to 1073741824"));
  status.Update(ValidateUsers(options.users));
  status.Update(ValidateHostNames(options.hosts));
  status.Update(CheckExposure(options));
  status.Update(CheckHealthListen(options));
  return status;
}

}  // namespace poolscope
