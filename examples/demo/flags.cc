#include "poolscope/examples/demo/flags.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "poolscope/allocator/leak/leak_level.h"
#include "poolscope/allocator/outbound/admission_policy.h"
#include "poolscope/allocator/outbound/writability.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/examples/demo/byte_size.h"
#include "poolscope/examples/demo/scenario.h"
#include "poolscope/examples/demo/sidecar_flags.h"
#include "poolscope/exporter/sidecar_options.h"

using poolscope::demo::ByteSize;

ABSL_FLAG(std::string, scenario, "steady", "the traffic, see below");
ABSL_FLAG(absl::Duration, duration, absl::ZeroDuration(),
          "how long to run, such as 30s or 5m; 0 runs until Ctrl-C");
ABSL_FLAG(std::optional<double>, rate, std::nullopt,
          "messages a second over all connections");
ABSL_FLAG(std::optional<ByteSize>, message_bytes, std::nullopt,
          "payload of each message, such as 14336 or 14k");
ABSL_FLAG(std::optional<int>, connections, std::nullopt,
          "client connections, 1 to 10000");
ABSL_FLAG(std::optional<int>, workers, std::nullopt,
          "threads of the service, 1 to 64");
ABSL_FLAG(std::optional<ByteSize>, max_direct_memory, std::nullopt,
          "limit of the pool, such as 256m; 0 takes half of the container's "
          "or the machine's memory");
ABSL_FLAG(std::optional<int>, arenas, std::nullopt, "arenas of the pool");
ABSL_FLAG(std::string, layout, "runs",
          "how the pool keeps its chunks' pages, and its size classes: runs "
          "(four a doubling) or buddy (powers of two)");
ABSL_FLAG(std::string, leak_detection, "",
          "level of the leak detector: disabled, simple, advanced or paranoid");
ABSL_FLAG(std::optional<absl::Duration>, suspect_after, std::nullopt,
          "age before which no buffer is suspected of being forgotten, such as "
          "10s");
ABSL_FLAG(ByteSize, budget, ByteSize{256 << 20},
          "memory of the pool that is planned for, which the summary holds "
          "its peak against");
ABSL_FLAG(std::string, watermarks, "32k:64k",
          "LOW:HIGH bytes that wait for a peer: above HIGH its channel is "
          "unwritable and no more is read from it, below LOW it goes on; or "
          "off");
ABSL_FLAG(std::string, policy, "queue",
          "for an answer whose channel is unwritable: queue (at most 128, then "
          "reject), reject, or close the channel");
ABSL_FLAG(std::optional<absl::Duration>, stall, std::nullopt,
          "how long no client reads, after the first ten seconds, such as 20s");
ABSL_FLAG(std::optional<ByteSize>, socket_buffer, std::nullopt,
          "of the kernel, at both ends of a client's connection; 0 lets the "
          "kernel choose");
ABSL_FLAG(std::string, governor, "",
          "on or off: pause the channels that hold most while more than 80 % "
          "of the limit is in use");
ABSL_FLAG(std::optional<absl::Duration>, chunk_decay, std::nullopt,
          "how long an empty chunk waits to be unmapped, such as 5s; inf: for "
          "ever");
ABSL_FLAG(absl::Duration, connect_delay, absl::Milliseconds(5),
          "time between two new connections");
ABSL_FLAG(ByteSize, connect_message, ByteSize{1024},
          "bytes of the message that a new connection gets; 0: none");
ABSL_FLAG(uint64_t, seed, 1, "of the random delays and the payloads");

namespace poolscope::demo {
namespace {

// Which services take a flag, a bit each.
constexpr int kRelay = 1 << static_cast<int>(Service::kRelay);
constexpr int kAggregator = 1 << static_cast<int>(Service::kAggregator);
constexpr int kWebSocket = 1 << static_cast<int>(Service::kWebSocket);
constexpr int kAll = kRelay | kAggregator | kWebSocket;

struct DemoFlag {
  absl::string_view name;
  int services;
};

constexpr DemoFlag kFlags[] = {
    {"scenario", kAll},
    {"duration", kAll},
    {"rate", kRelay | kAggregator},
    {"message_bytes", kRelay},
    {"connections", kAll},
    {"workers", kAll},
    {"listen", kAll},
    {"health_listen", kAll},
    {"users_file", kAll},
    {"tls_cert_file", kAll},
    {"tls_key_file", kAll},
    {"tls_client_ca_file", kAll},
    {"hosts", kAll},
    {"allow_remote", kAll},
    {"max_direct_memory", kAll},
    {"budget", kAll},
    {"arenas", kAll},
    {"layout", kAll},
    {"chunk_decay", kAll},
    {"watermarks", kRelay | kWebSocket},
    {"policy", kRelay},
    {"stall", kRelay},
    {"socket_buffer", kRelay},
    {"governor", kRelay | kAggregator},
    {"walk_interval", kAll},
    {"black_box", kAll},
    {"connect_delay", kWebSocket},
    {"connect_message", kWebSocket},
    {"leak_detection", kAll},
    {"suspect_after", kAll},
    {"seed", kAll},
};

constexpr size_t kHelpColumn = 23;
constexpr size_t kHelpWidth = 80;

// Null when there is no such flag.
const DemoFlag* FindFlag(absl::string_view name) {
  const auto* const flag =
      std::find_if(std::begin(kFlags), std::end(kFlags),
                   [name](const DemoFlag& flag) { return flag.name == name; });
  return flag == std::end(kFlags) ? nullptr : flag;
}

bool IsTime(absl::string_view name) {
  return name == "duration" || name == "suspect_after" || name == "stall" ||
         name == "chunk_decay" || name == "walk_interval" ||
         name == "connect_delay";
}

// The default as a person would type it.
std::string DefaultText(absl::string_view name) {
  const std::string value = absl::FindCommandLineFlag(name)->DefaultValue();
  if (!value.empty()) return value;
  if (name == "arenas") return "by cores and memory";
  if (name == "chunk_decay") {
    return absl::FormatDuration(PoolOptions{}.empty_chunk_decay);
  }
  if (name == "leak_detection") {
    return absl::StrCat("the scenario's, else $", kLeakLevelVariable,
                        ", else simple");
  }
  if (const absl::string_view otherwise = SidecarFlagDefault(name);
      !otherwise.empty()) {
    return std::string(otherwise);
  }
  return "the scenario's";
}

// Appends `text`, broken into lines that begin at kHelpColumn.
void AppendWrapped(absl::string_view text, std::string* out) {
  size_t column = kHelpColumn;
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    if (column + word.size() > kHelpWidth) {
      out->back() = '\n';
      absl::StrAppend(out, std::string(kHelpColumn, ' '));
      column = kHelpColumn;
    }
    absl::StrAppend(out, word, " ");
    column += word.size() + 1;
  }
  out->back() = '\n';
}

// Sets one flag of ours.
absl::Status SetFlag(absl::string_view name, absl::string_view value) {
  if (value.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", name, " is empty: give --", name, "=VALUE"));
  }
  std::string error;
  if (absl::FindCommandLineFlag(name)->ParseFrom(value, &error)) {
    // What is nearer to 0 than to the finest time would run for ever.
    if (name == "duration" &&
        absl::GetFlag(FLAGS_duration) == absl::ZeroDuration() &&
        value.find_first_of("123456789") != absl::string_view::npos) {
      return BadDuration(value);
    }
    return absl::OkStatus();
  }
  // The library says which value and flag; a type's own reason follows.
  absl::string_view reason = error;
  if (absl::ConsumePrefix(
          &reason, absl::StrCat("Illegal value '", value,
                                "' specified for flag '", name, "'; "))) {
    return absl::InvalidArgumentError(absl::StrCat("--", name, ": ", reason));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "--", name, ": '", absl::CHexEscape(value), "' is ",
      IsTime(name) ? "not a time: give a number and its unit, as in 30s"
                   : "not a number that it can take; see --help"));
}

absl::StatusOr<Watermarks> FindWatermarks(absl::string_view text) {
  if (text == "off") return Watermarks::Off();
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits(':', 1));
  const absl::StatusOr<ByteSize> low = ParseByteSize(parts.first);
  const absl::StatusOr<ByteSize> high = ParseByteSize(parts.second);
  if (low.ok() && high.ok()) {
    const Watermarks watermarks{low->bytes, high->bytes};
    if (ValidateWatermarks(watermarks).ok()) return watermarks;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "--watermarks is '", absl::CHexEscape(text),
      "': give LOW:HIGH with 0 < LOW <= HIGH, such as 32k:64k, or off"));
}

absl::StatusOr<AdmissionPolicy> FindPolicy(absl::string_view name) {
  const absl::StatusOr<AdmissionPolicy> policy = ParseAdmissionPolicy(name);
  if (policy.ok()) return *policy;
  return absl::InvalidArgumentError(
      absl::StrCat("--policy is '", absl::CHexEscape(name),
                   "': give queue, reject or close"));
}

// The flag's, else the scenario's.
absl::StatusOr<bool> FindGovernor(absl::string_view text,
                                  const Scenario& scenario) {
  if (text.empty()) return scenario.governor;
  if (text == "on" || text == "off") return text == "on";
  return absl::InvalidArgumentError(absl::StrCat(
      "--governor is '", absl::CHexEscape(text), "': give on or off"));
}

absl::StatusOr<ChunkLayout> FindLayout(absl::string_view name) {
  for (const ChunkLayout layout : {ChunkLayout::kRuns, ChunkLayout::kBuddy}) {
    if (name == ChunkLayoutName(layout)) return layout;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "--layout is '", absl::CHexEscape(name), "': give runs or buddy"));
}

// The flag's, else the scenario's; unset where neither says.
absl::StatusOr<std::optional<LeakLevel>> FindLeakLevel(
    absl::string_view flag, const Scenario& scenario) {
  if (flag.empty()) return scenario.leak_detection;
  const absl::StatusOr<LeakLevel> level = ParseLeakLevel(flag);
  if (level.ok()) return *level;
  return absl::InvalidArgumentError(
      absl::StrCat("--leak_detection is '", absl::CHexEscape(flag),
                   "': give disabled, simple, advanced or paranoid"));
}

}  // namespace

bool AsksForHelp(absl::Span<char* const> arguments) {
  return std::any_of(arguments.begin(), arguments.end(), [](const char* text) {
    const absl::string_view argument = text;
    return argument == "--help" || argument == "-help" || argument == "-h";
  });
}

std::string HelpText(absl::string_view program) {
  std::string help = absl::StrCat(
      "usage: ", program, " [--flag=value ...]\n\n",
      "A service on 127.0.0.1 whose payloads live in a poolscope allocator,\n"
      "with clients of its own, watched over HTTP: a TCP relay, or what the\n"
      "scenario has in its place.\n\nFlags:\n");
  for (const DemoFlag& flag : kFlags) {
    absl::StrAppendFormat(&help, "  --%-18s ", flag.name);
    AppendWrapped(absl::StrCat(absl::FindCommandLineFlag(flag.name)->Help(),
                               " (default ", DefaultText(flag.name), ")"),
                  &help);
  }
  absl::StrAppend(&help, "\nScenarios:\n");
  for (const Scenario& scenario : Scenarios()) {
    absl::StrAppendFormat(&help, "  %-20s ", scenario.name);
    AppendWrapped(scenario.description, &help);
  }
  absl::StrAppend(
      &help,
      "\nCtrl-C or SIGTERM ends it with a summary, once the answers "
      "under way have\ncome; a second one ends it at once.\n"
      "\nExit status: 0 after --duration or a signal, 1 when "
      "something failed,\n2 for a bad flag.\n");
  return help;
}

absl::StatusOr<DemoOptions> ParseArguments(absl::Span<char* const> arguments) {
  std::vector<const DemoFlag*> given;
  for (size_t i = 0; i < arguments.size(); ++i) {
    absl::string_view argument = arguments[i];
    if (argument.size() < 2 || argument[0] != '-') {
      return absl::InvalidArgumentError(
          absl::StrCat("'", absl::CHexEscape(argument),
                       "' is not a flag: give --name=value; see --help"));
    }
    argument.remove_prefix(argument[1] == '-' ? 2 : 1);
    const size_t equals = argument.find('=');
    const absl::string_view name = argument.substr(0, equals);
    const DemoFlag* const flag = FindFlag(name);
    if (flag == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--", absl::CHexEscape(name), " is not a flag: give one of --",
          absl::StrJoin(kFlags, ", --",
                        [](std::string* out, const DemoFlag& known) {
                          absl::StrAppend(out, known.name);
                        }),
          " or --help"));
    }
    given.push_back(flag);
    absl::string_view value;
    if (equals != absl::string_view::npos) {
      value = argument.substr(equals + 1);
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("--", name, " has no value: give --", name, "=VALUE"));
    }
    const absl::Status status = SetFlag(name, value);
    if (!status.ok()) return status;
  }

  const absl::StatusOr<const Scenario*> scenario =
      FindScenario(absl::GetFlag(FLAGS_scenario));
  if (!scenario.ok()) return scenario.status();
  for (const DemoFlag* const flag : given) {
    if ((flag->services & 1 << static_cast<int>((*scenario)->service)) != 0) {
      continue;
    }
    return absl::InvalidArgumentError(
        absl::StrCat("--", flag->name, " means nothing to scenario ",
                     (*scenario)->name, ": leave it out"));
  }
  const absl::StatusOr<ChunkLayout> layout =
      FindLayout(absl::GetFlag(FLAGS_layout));
  if (!layout.ok()) return layout.status();
  const absl::StatusOr<std::optional<LeakLevel>> leak_detection =
      FindLeakLevel(absl::GetFlag(FLAGS_leak_detection), **scenario);
  if (!leak_detection.ok()) return leak_detection.status();
  const absl::StatusOr<Watermarks> watermarks =
      FindWatermarks(absl::GetFlag(FLAGS_watermarks));
  if (!watermarks.ok()) return watermarks.status();
  const absl::StatusOr<AdmissionPolicy> policy =
      FindPolicy(absl::GetFlag(FLAGS_policy));
  if (!policy.ok()) return policy.status();
  const absl::StatusOr<bool> governor =
      FindGovernor(absl::GetFlag(FLAGS_governor), **scenario);
  if (!governor.ok()) return governor.status();
  absl::StatusOr<SidecarOptions> sidecar = SidecarOptionsFromFlags();
  if (!sidecar.ok()) return sidecar.status();
  DemoOptions options;
  options.scenario = *scenario;
  options.watermarks = *watermarks;
  options.policy = *policy;
  options.governor = *governor;
  options.layout = *layout;
  options.sidecar = *std::move(sidecar);
  options.duration = absl::GetFlag(FLAGS_duration);
  options.rate = absl::GetFlag(FLAGS_rate).value_or((*scenario)->rate);
  options.message_bytes = absl::GetFlag(FLAGS_message_bytes)
                              .value_or(ByteSize{(*scenario)->message_bytes})
                              .bytes;
  options.connections =
      absl::GetFlag(FLAGS_connections).value_or((*scenario)->connections);
  options.workers = absl::GetFlag(FLAGS_workers).value_or((*scenario)->workers);
  options.max_direct_memory_bytes =
      absl::GetFlag(FLAGS_max_direct_memory)
          .value_or(ByteSize{(*scenario)->max_direct_memory_bytes})
          .bytes;
  options.budget_bytes = absl::GetFlag(FLAGS_budget).bytes;
  options.stall = absl::GetFlag(FLAGS_stall).value_or((*scenario)->stall);
  options.socket_buffer_bytes =
      absl::GetFlag(FLAGS_socket_buffer)
          .value_or(ByteSize{(*scenario)->socket_buffer_bytes})
          .bytes;
  options.chunk_decay = absl::GetFlag(FLAGS_chunk_decay);
  options.connect_delay = absl::GetFlag(FLAGS_connect_delay);
  options.connect_message_bytes = absl::GetFlag(FLAGS_connect_message).bytes;
  options.arenas = absl::GetFlag(FLAGS_arenas);
  options.seed = absl::GetFlag(FLAGS_seed);
  options.leak_detection = *leak_detection;
  options.suspect_after =
      absl::GetFlag(FLAGS_suspect_after).value_or((*scenario)->suspect_after);
  const absl::Status status = ValidateDemoOptions(options);
  if (!status.ok()) return status;
  return options;
}

}  // namespace poolscope::demo
