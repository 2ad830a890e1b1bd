#include "poolscope/tests/metrics/pprof_reader.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace poolscope {
namespace {

// A message in protobuf's text format: "name: value" and "name { ... }" lines.
struct Message {
  std::multimap<std::string, std::string> values;
  std::multimap<std::string, Message> messages;

  // 0 where the field is left out.
  uint64_t Integer(const std::string& name) const {
    const auto it = values.find(name);
    uint64_t value = 0;
    int64_t negative = 0;
    if (it == values.end()) return 0;
    if (it->second == "true") return 1;
    if (absl::SimpleAtoi(it->second, &value)) return value;
    if (absl::SimpleAtoi(it->second, &negative)) {
      return static_cast<uint64_t>(negative);
    }
    std::abort();
  }
  std::vector<uint64_t> Integers(const std::string& name) const {
    std::vector<uint64_t> all;
    const auto [begin, end] = values.equal_range(name);
    for (auto it = begin; it != end; ++it) {
      Message one;
      one.values.insert(*it);
      all.push_back(one.Integer(name));
    }
    return all;
  }
  std::vector<const Message*> All(const std::string& name) const {
    std::vector<const Message*> all;
    const auto [begin, end] = messages.equal_range(name);
    for (auto it = begin; it != end; ++it) all.push_back(&it->second);
    return all;
  }
};

Message ParseText(const std::vector<std::string>& lines, size_t* at) {
  Message message;
  for (; *at < lines.size(); ++*at) {
    absl::string_view line = absl::StripAsciiWhitespace(lines[*at]);
    if (line.empty()) continue;
    if (line == "}") break;
    if (absl::ConsumeSuffix(&line, " {")) {
      ++*at;
      message.messages.emplace(line, ParseText(lines, at));
      continue;
    }
    const std::pair<std::string, std::string> field =
        absl::StrSplit(line, absl::MaxSplits(": ", 1));
    message.values.insert(field);
  }
  return message;
}

absl::StatusOr<std::string> RunProtoc(absl::string_view bytes) {
  const char* folder = std::getenv("TEST_TMPDIR");
  const std::string file =
      absl::StrCat(folder == nullptr ? "/tmp" : folder, "/profile.", getpid());
  std::ofstream(file) << bytes;
  const std::string command = absl::StrCat(
      "protoc --decode=pprof.Profile --proto_path=tests/metrics/testdata "
      "tests/metrics/testdata/profile.proto < '",
      file, "' 2>&1");
  std::FILE* const protoc = popen(command.c_str(), "r");
  if (protoc == nullptr) return absl::InternalError("popen failed");
  std::string text;
  char part[4096];
  while (const size_t n = std::fread(part, 1, sizeof(part), protoc)) {
    text.append(part, n);
  }
  const int status = pclose(protoc);
  std::remove(file.c_str());
  if (status != 0) return absl::InvalidArgumentError(text);
  return text;
}

// From the numbers in the messages to what they stand for.
class Resolver {
 public:
  explicit Resolver(const Message& message) : message_(message) {}

  absl::StatusOr<PprofProfile> Resolve() {
    // Repeated fields keep their order in a multimap.
    const auto [begin, end] = message_.values.equal_range("string_table");
    for (auto it = begin; it != end; ++it) {
      std::string text;
      const absl::string_view quoted = it->second;
      if (!absl::CUnescape(quoted.substr(1, quoted.size() - 2), &text)) {
        return absl::DataLossError("a string is not quoted as C does");
      }
      strings_.push_back(text);
    }
    Check(!strings_.empty() && strings_[0].empty(), "string 0 is not empty");

    PprofProfile profile;
    for (const Message* type : message_.All("sample_type")) {
      profile.sample_types.push_back(TypeName(*type));
    }
    for (const Message* type : message_.All("period_type")) {
      profile.period_type = TypeName(*type);
    }
    profile.default_sample_type =
        String(message_.Integer("default_sample_type"));
    profile.period = static_cast<int64_t>(message_.Integer("period"));
    profile.time_nanos = static_cast<int64_t>(message_.Integer("time_nanos"));
    for (const uint64_t comment : message_.Integers("comment")) {
      profile.comments.push_back(String(comment));
    }
    ReadMappings(&profile);
    ReadFunctions();
    ReadLocations();
    for (const Message* sample : message_.All("sample")) {
      profile.samples.push_back(Sample(*sample));
      Check(profile.samples.back().values.size() == profile.sample_types.size(),
            "a sample has another number of values than there are types");
    }
    if (!problem_.empty()) return absl::DataLossError(problem_);
    return profile;
  }

 private:
  void Check(bool good, const char* problem) {
    if (!good && problem_.empty()) problem_ = problem;
  }

  std::string String(uint64_t number) {
    Check(number < strings_.size(), "a string is not in the table");
    return number < strings_.size() ? strings_[number] : "";
  }

  std::string TypeName(const Message& type) {
    return absl::StrCat(String(type.Integer("type")), "/",
                        String(type.Integer("unit")));
  }

  template <typename T>
  void Enter(std::map<uint64_t, T>* table, const Message& message, T value) {
    const uint64_t id = message.Integer("id");
    Check(id != 0, "an id is 0");
    Check(table->emplace(id, std::move(value)).second, "an id is there twice");
  }

  template <typename T>
  T Find(const std::map<uint64_t, T>& table, uint64_t id) {
    const auto it = table.find(id);
    Check(it != table.end(), "an id leads nowhere");
    return it == table.end() ? T() : it->second;
  }

  void ReadMappings(PprofProfile* profile) {
    for (const Message* message : message_.All("mapping")) {
      PprofProfile::Mapping mapping;
      mapping.begin = message->Integer("memory_start");
      mapping.end = message->Integer("memory_limit");
      mapping.file_offset = message->Integer("file_offset");
      mapping.path = String(message->Integer("filename"));
      mapping.build_id = String(message->Integer("build_id"));
      mapping.has_functions = message->Integer("has_functions") != 0;
      Enter(&mappings_, *message, mapping);
      profile->mappings.push_back(mapping);
    }
  }

  void ReadFunctions() {
    for (const Message* message : message_.All("function")) {
      Enter(&functions_, *message, String(message->Integer("name")));
      String(message->Integer("system_name"));
    }
  }

  void ReadLocations() {
    for (const Message* message : message_.All("location")) {
      PprofProfile::Frame frame;
      frame.address = message->Integer("address");
      const uint64_t mapping = message->Integer("mapping_id");
      if (mapping != 0) {
        frame.mapping = Find(mappings_, mapping);
        Check(frame.mapping.begin <= frame.address &&
                  frame.address < frame.mapping.end,
              "an address is not in its mapping");
      }
      for (const Message* line : message->All("line")) {
        frame.function = Find(functions_, line->Integer("function_id"));
      }
      Enter(&locations_, *message, frame);
    }
  }

  PprofProfile::Sample Sample(const Message& message) {
    PprofProfile::Sample sample;
    for (const uint64_t id : message.Integers("location_id")) {
      sample.stack.push_back(Find(locations_, id));
    }
    for (const uint64_t value : message.Integers("value")) {
      sample.values.push_back(static_cast<int64_t>(value));
    }
    for (const Message* label : message.All("label")) {
      sample.labels[String(label->Integer("key"))] =
          String(label->Integer("str"));
    }
    return sample;
  }

  const Message& message_;
  std::string problem_;
  std::vector<std::string> strings_;
  std::map<uint64_t, PprofProfile::Mapping> mappings_;
  std::map<uint64_t, std::string> functions_;
  std::map<uint64_t, PprofProfile::Frame> locations_;
};

}  // namespace

int64_t PprofProfile::Total(size_t value, absl::string_view allocator) const {
  int64_t total = 0;
  for (const Sample& sample : samples) {
    const auto label = sample.labels.find("allocator");
    if (allocator.empty() ||
        (label != sample.labels.end() && label->second == allocator)) {
      total += sample.values[value];
    }
  }
  return total;
}

std::map<std::string, int64_t> PprofProfile::Flat(size_t value) const {
  std::map<std::string, int64_t> flat;
  for (const Sample& sample : samples) {
    if (sample.stack.empty()) continue;
    flat[sample.stack.front().function] += sample.values[value];
  }
  return flat;
}

std::string PprofProfile::Top(size_t value) const {
  std::string top;
  int64_t most = 0;
  for (const auto& [function, total] : Flat(value)) {
    if (total <= most) continue;
    top = function;
    most = total;
  }
  return top;
}

absl::StatusOr<PprofProfile> DecodePprof(absl::string_view bytes) {
  const absl::StatusOr<std::string> text = RunProtoc(bytes);
  if (!text.ok()) return text.status();
  const std::vector<std::string> lines = absl::StrSplit(*text, '\n');
  size_t at = 0;
  const Message message = ParseText(lines, &at);
  return Resolver(message).Resolve();
}

}  // namespace poolscope
