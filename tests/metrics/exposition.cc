#include "poolscope/tests/metrics/exposition.h"

#include <cstdint>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace poolscope {
namespace {

absl::Status Bad(absl::string_view problem, absl::string_view line) {
  return absl::InvalidArgumentError(absl::StrCat(problem, ": ", line));
}

bool Contains(const LabelMap& labels, const LabelMap& wanted) {
  for (const auto& [name, value] : wanted) {
    const auto found = labels.find(name);
    if (found == labels.end() || found->second != value) return false;
  }
  return true;
}

// Reads {a="x",b="y"} from the front of `rest`.
absl::Status ParseLabels(absl::string_view line, absl::string_view* rest,
                         LabelMap* labels) {
  if (!absl::ConsumePrefix(rest, "{")) return absl::OkStatus();
  while (!absl::ConsumePrefix(rest, "}")) {
    const size_t equals = rest->find("=\"");
    if (equals == absl::string_view::npos) return Bad("no label value", line);
    const std::string name(rest->substr(0, equals));
    rest->remove_prefix(equals + 2);
    std::string value;
    while (!rest->empty() && rest->front() != '"') {
      char c = rest->front();
      rest->remove_prefix(1);
      if (c == '\\') {
        if (rest->empty()) return Bad("escape at the end", line);
        c = rest->front();
        rest->remove_prefix(1);
        if (c == 'n') {
          c = '\n';
        } else if (c != '\\' && c != '"') {
          return Bad("unknown escape", line);
        }
      }
      value.push_back(c);
    }
    if (!absl::ConsumePrefix(rest, "\"")) return Bad("open quote", line);
    if (!labels->emplace(name, value).second) return Bad("label twice", line);
    if (!absl::ConsumePrefix(rest, ",") && !absl::StartsWith(*rest, "}")) {
      return Bad("no comma between labels", line);
    }
  }
  return absl::OkStatus();
}

// The family that a sample of this name belongs to while `family` is open.
bool BelongsTo(absl::string_view name, absl::string_view family,
               absl::string_view type) {
  if (name == family) return type != "histogram";
  if (!absl::ConsumePrefix(&name, family)) return false;
  if (type == "histogram" && name == "_bucket") return true;
  return (type == "histogram" || type == "summary") &&
         (name == "_sum" || name == "_count");
}

}  // namespace

std::string Exposition::Value(absl::string_view name,
                              const LabelMap& labels) const {
  for (const Sample& sample : samples) {
    if (sample.name == name && sample.labels == labels) return sample.value;
  }
  return "";
}

uint64_t Exposition::Sum(absl::string_view name, const LabelMap& labels) const {
  uint64_t sum = 0;
  for (const Sample& sample : samples) {
    uint64_t value = 0;
    if (sample.name == name && Contains(sample.labels, labels) &&
        absl::SimpleAtoi(sample.value, &value)) {
      sum += value;
    }
  }
  return sum;
}

std::vector<std::string> Exposition::LabelValues(
    absl::string_view name, absl::string_view label) const {
  std::set<std::string> values;
  for (const Sample& sample : samples) {
    const auto found = sample.labels.find(std::string(label));
    if (sample.name == name && found != sample.labels.end()) {
      values.insert(found->second);
    }
  }
  return {values.begin(), values.end()};
}

absl::StatusOr<Exposition> ParseExposition(absl::string_view text) {
  Exposition result;
  if (!text.empty() && text.back() != '\n') {
    return Bad("no line feed at the end", text.substr(text.size() - 1));
  }
  std::set<std::pair<std::string, LabelMap>> seen;
  std::set<std::string> helped;
  std::string family;
  double last_bucket = 0;
  for (absl::string_view line :
       absl::StrSplit(absl::StripSuffix(text, "\n"), '\n')) {
    if (line.empty()) continue;
    absl::string_view rest = line;
    if (absl::ConsumePrefix(&rest, "# HELP ")) {
      const std::vector<absl::string_view> parts =
          absl::StrSplit(rest, absl::MaxSplits(' ', 1));
      if (parts.size() != 2 || parts[1].empty()) return Bad("no help", line);
      if (!helped.emplace(parts[0]).second) return Bad("HELP twice", line);
      continue;
    }
    if (absl::ConsumePrefix(&rest, "# TYPE ")) {
      const std::vector<std::string> parts = absl::StrSplit(rest, ' ');
      if (parts.size() != 2) return Bad("bad TYPE", line);
      family = parts[0];
      if (helped.count(family) == 0) return Bad("TYPE before HELP", line);
      if (!result.types.emplace(family, parts[1]).second) {
        return Bad("TYPE twice", line);
      }
      continue;
    }
    if (line[0] == '#') return Bad("unknown comment", line);

    Exposition::Sample sample;
    const size_t end = rest.find_first_of("{ ");
    if (end == absl::string_view::npos) return Bad("no value", line);
    sample.name = std::string(rest.substr(0, end));
    rest.remove_prefix(end);
    const absl::Status labels = ParseLabels(line, &rest, &sample.labels);
    if (!labels.ok()) return labels;
    if (!absl::ConsumePrefix(&rest, " ")) return Bad("no blank", line);
    sample.value = std::string(rest);
    double value = 0;
    if (!absl::SimpleAtod(rest, &value)) return Bad("bad value", line);
    if (!BelongsTo(sample.name, family, result.types[family])) {
      return Bad("sample outside its family", line);
    }
    if (!seen.emplace(sample.name, sample.labels).second) {
      return Bad("label set twice", line);
    }
    if (result.types[family] == "histogram" &&
        absl::EndsWith(sample.name, "_bucket") &&
        sample.labels.count("le") == 1) {
      if (value < last_bucket) return Bad("bucket falls", line);
      last_bucket = sample.labels.at("le") == "+Inf" ? 0 : value;
    }
    result.samples.push_back(std::move(sample));
  }
  return result;
}

absl::Status CheckIdentities(const Exposition& scrape) {
  const auto expect = [](uint64_t left, uint64_t right,
                         absl::string_view what) {
    if (left == right) return absl::OkStatus();
    return absl::InternalError(absl::StrCat(what, ": ", left, " != ", right));
  };
  absl::Status status;
  for (const std::string& name :
       scrape.LabelValues("poolscope_snapshot_id", "allocator")) {
    const LabelMap allocator = {{"allocator", name}};
    for (const std::string& index :
         scrape.LabelValues("poolscope_arena_used_bytes", "arena")) {
      const LabelMap arena = {{"allocator", name}, {"arena", index}};
      const auto sum = [&](absl::string_view metric) {
        return scrape.Sum(absl::StrCat("poolscope_", metric), arena);
      };
      status.Update(expect(
          sum("chunks"),
          sum("chunk_allocations_total") - sum("chunk_deallocations_total"),
          "chunks = chunk allocations - deallocations"));
      status.Update(expect(
          sum("arena_used_bytes") + sum("chunk_list_free_bytes"),
          sum("arena_reserved_bytes"), "used + free over lists = reserved"));
      for (const char* kind : {"small", "normal", "huge"}) {
        LabelMap labels = arena;
        labels["kind"] = kind;
        status.Update(expect(
            scrape.Sum("poolscope_arena_allocations_total", labels) -
                scrape.Sum("poolscope_arena_deallocations_total", labels),
            scrape.Sum("poolscope_arena_active_allocations", labels),
            "allocations - deallocations = active"));
      }
      if (sum("arena_peak_used_bytes") < sum("arena_used_bytes")) {
        status.Update(absl::InternalError("peak used < used"));
      }
    }
    for (const char* kind : {"small", "normal"}) {
      const LabelMap labels = {{"allocator", name}, {"kind", kind}};
      status.Update(
          expect(scrape.Sum("poolscope_thread_cache_hits_total", labels) +
                     scrape.Sum("poolscope_thread_cache_misses_total", labels),
                 scrape.Sum("poolscope_thread_cache_requests_total", labels),
                 "hits + misses = requests"));
    }
    if (scrape.Sum("poolscope_direct_memory_peak_bytes", allocator) <
        scrape.Sum("poolscope_direct_memory_used_bytes", allocator)) {
      status.Update(absl::InternalError("direct memory peak < used"));
    }
  }
  for (const std::string& name : scrape.LabelValues(
           "poolscope_outbound_max_channel_pending_bytes", "group")) {
    const auto sum = [&](absl::string_view metric) {
      return scrape.Sum(absl::StrCat("poolscope_outbound_", metric),
                        {{"group", name}});
    };
    status.Update(expect(sum("queued_bytes_total"),
                         sum("written_bytes_total") + sum("pending_bytes") +
                             sum("failed_bytes_total"),
                         "queued = written + pending + failed"));
    if (sum("max_channel_pending_bytes") > sum("pending_bytes")) {
      status.Update(absl::InternalError("pending of a channel > of its group"));
    }
  }
  return status;
}

}  // namespace poolscope
