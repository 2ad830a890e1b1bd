#include "poolscope/exporter/preload/preload_options.h"

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace poolscope {
namespace {

absl::Status Bad(absl::string_view variable, absl::string_view value,
                 absl::string_view problem) {
  return absl::InvalidArgumentError(
      absl::StrCat(variable, "=", absl::CHexEscape(value), ": ", problem));
}

}  // namespace

absl::StatusOr<std::optional<PreloadOptions>> ReadPreloadOptions(
    const std::function<const char*(const char*)>& variable,
    absl::string_view program) {
  const auto text = [&variable](const char* name) -> absl::string_view {
    const char* const value = variable(name);
    return value == nullptr ? "" : value;
  };
  const absl::string_view listen = text("POOLSCOPE_LISTEN");
  if (listen.empty()) return std::nullopt;
  const absl::string_view only = text("POOLSCOPE_PROGRAM");
  if (!only.empty() && only != program) return std::nullopt;

  PreloadOptions options;
  const absl::StatusOr<ListenAddress> address = ParseListenAddress(listen);
  if (!address.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("POOLSCOPE_LISTEN: ", address.status().message()));
  }
  if (!address->loopback) {
    return Bad("POOLSCOPE_LISTEN", listen,
               "the address is not loopback, and there is no password: use "
               "127.0.0.1");
  }
  options.address = *address;
  const absl::string_view fork = text("POOLSCOPE_FORK");
  if (fork == "listen") {
    options.fork = PreloadOptions::Fork::kListen;
  } else if (fork == "off") {
    options.fork = PreloadOptions::Fork::kOff;
  } else if (!fork.empty() && fork != "takeover") {
    return Bad("POOLSCOPE_FORK", fork, "use takeover, listen or off");
  }
  options.port_file = std::string(text("POOLSCOPE_PORT_FILE"));
  const absl::string_view verbose = text("POOLSCOPE_VERBOSE");
  options.verbose = !verbose.empty() && verbose != "0";
  return options;
}

}  // namespace poolscope
