// HostNames: the names that a server goes by, against DNS rebinding.
//
// A page of evil.example that a browser has open may let that name point to
// 127.0.0.1 a moment later: then it is, to the browser, a page of this server,
// and may ask it for anything and read the answer. What gives it away is the
// Host header, which the browser fills with evil.example. So what changes
// something, or shows names and addresses of the process to whoever asks, is
// answered only where the Host is
//
//   127.0.0.1:9464, [::1]   any address: whoever is asked by its address was
//                           not looked up by a name
//   localhost               never looked up at all
//   metrics.example         names that the embedder gave
//   (none)                  no browser, which always sends one
//
// Ports are not compared: a page is bound to its own, so that it has the right
// one anyway.
//
// Immutable.
#ifndef POOLSCOPE_EXPORTER_HOST_NAMES_H_
#define POOLSCOPE_EXPORTER_HOST_NAMES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace poolscope {

class HostNames {
 public:
  // `names` beside those that need not be given; valid.
  explicit HostNames(std::vector<std::string> names = {});

  // Whether `host`, the value of a Host header, is one of this server's.
  bool Includes(absl::string_view host) const;

 private:
  std::vector<std::string> names_;  // in lower case
};

// InvalidArgumentError for the first that is no name alone, as one with a
// scheme or a port.
absl::Status ValidateHostNames(const std::vector<std::string>& names);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_HOST_NAMES_H_
