#include "poolscope/examples/demo/scenario.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace poolscope::demo {

absl::Span<const Scenario> Scenarios() {
  static const Scenario kScenarios[] = {
      {"steady",
       "messages of 14 KiB, 200 a second, answered after 50 to 100 ms", 200,
       14336, absl::Milliseconds(50), absl::Milliseconds(100)},
      {"leak",
       "as steady, but ForgetMessage keeps a copy of one message in a hundred "
       "for ever",
       200, 14336, absl::Milliseconds(50), absl::Milliseconds(100), 100,
       LeakLevel::kParanoid, absl::Seconds(10)},
  };
  return kScenarios;
}

absl::StatusOr<const Scenario*> FindScenario(absl::string_view name) {
  for (const Scenario& scenario : Scenarios()) {
    if (scenario.name == name) return &scenario;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "--scenario is '", absl::CHexEscape(name), "': give one of ",
      absl::StrJoin(Scenarios(), ", ",
                    [](std::string* out, const Scenario& scenario) {
                      absl::StrAppend(out, scenario.name);
                    })));
}

}  // namespace poolscope::demo
