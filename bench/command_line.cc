#include "poolscope/bench/command_line.h"

#include <getopt.h>

namespace poolscope {

void CommandLine::AddSwitch(std::string name, bool* on) {
  flags_.push_back({std::move(name), /*has_value=*/false, "",
                    [on](absl::string_view) { return *on = true; }});
}

void CommandLine::AddText(std::string name, std::string* text) {
  Add(std::move(name), "", [text](absl::string_view value) {
    *text = std::string(value);
    return true;
  });
}

void CommandLine::Add(std::string name, std::string give,
                      std::function<bool(absl::string_view)> take) {
  flags_.push_back(
      {std::move(name), /*has_value=*/true, std::move(give), std::move(take)});
}

absl::Status CommandLine::Parse(int argc, char** argv) const {
  std::vector<option> options;
  for (const Flag& flag : flags_) {
    options.push_back({flag.name.c_str(),
                       flag.has_value ? required_argument : no_argument,
                       nullptr, 0});
  }
  options.push_back({});
  optind = 0;  // glibc: from the start, whatever was parsed before
  opterr = 0;  // said here, in the words of the rest
  while (true) {
    int index = 0;
    const int found = getopt_long_only(argc, argv, "", options.data(), &index);
    if (found == -1) break;
    if (found == '?') {
      return absl::InvalidArgumentError(
          absl::StrCat(argv[optind - 1],
                       " is no flag, or lacks or has a value; see --help"));
    }
    const Flag& flag = flags_[index];
    if (!flag.take(flag.has_value ? optarg : "")) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", flag.name, "=", optarg, ": give ", flag.give));
    }
  }
  if (optind < argc && argument_ != nullptr) *argument_ = argv[optind++];
  if (optind < argc) {
    return absl::InvalidArgumentError(
        absl::StrCat("unexpected argument ", argv[optind], "; see --help"));
  }
  return absl::OkStatus();
}

}  // namespace poolscope
