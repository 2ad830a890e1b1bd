#include "poolscope/bench/report.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace poolscope::bench {
namespace {

constexpr int kCellWidth = 20;
constexpr int kTrialCellWidth = 44;
constexpr int kColumnWidth = 11;

// Null when there is none.
const Measurement* Find(const std::vector<Measurement>& cell,
                        const std::string& policy) {
  const auto found = std::find_if(
      cell.begin(), cell.end(),
      [&](const Measurement& entry) { return entry.policy == policy; });
  return found == cell.end() ? nullptr : &*found;
}

// "  <= 1024.00  missed".
std::string Judge(const TrialCell& cell, const Measurement* ours) {
  if (!cell.bar) return "";
  std::string words = absl::StrFormat(
      "%*s", kColumnWidth,
      absl::StrFormat(
          "%s %g",
          cell.bar->side == Bar::Side::kAtMost ? "<=" : ">=", cell.bar->value));
  if (ours != nullptr) {
    absl::StrAppend(&words,
                    cell.bar->Holds(ours->median_ns) ? "  held" : "  missed");
  }
  return words;
}

// Those with a figure in the group, in the order in which they come.
std::vector<std::string> PoliciesOf(
    const std::vector<Measurement>& measurements, const std::string& group) {
  std::vector<std::string> policies;
  for (const Measurement& entry : measurements) {
    if (entry.group == group && std::find(policies.begin(), policies.end(),
                                          entry.policy) == policies.end()) {
      policies.push_back(entry.policy);
    }
  }
  return policies;
}

std::string FormatTrialHeader(const std::string& group,
                              const std::vector<std::string>& policies) {
  std::string line =
      absl::StrFormat("\n%s (median)\n%-*s", group, kTrialCellWidth, "");
  for (const std::string& policy : policies) {
    absl::StrAppendFormat(&line, "%*s", kColumnWidth, policy);
  }
  absl::StrAppendFormat(&line, "%*s\n", kColumnWidth, "bar");
  return line;
}

// Nothing for a cell without a figure.
std::string FormatTrialRow(const std::vector<Measurement>& measurements,
                           const TrialCell& cell,
                           const std::vector<std::string>& policies) {
  std::vector<Measurement> row;
  std::copy_if(
      measurements.begin(), measurements.end(), std::back_inserter(row),
      [&](const Measurement& entry) { return entry.cell == cell.name; });
  if (row.empty()) return "";
  std::string line = absl::StrFormat("%-*s", kTrialCellWidth, cell.name);
  for (const std::string& policy : policies) {
    const Measurement* entry = Find(row, policy);
    absl::StrAppendFormat(
        &line, "%*s", kColumnWidth,
        entry == nullptr ? "-" : absl::StrFormat("%.2f", entry->median_ns));
  }
  absl::StrAppend(&line, Judge(cell, Find(row, "poolscope")), "\n");
  return line;
}

std::string FormatHeader(const std::string& group,
                         const std::vector<Policy>& policies) {
  std::string line =
      absl::StrFormat("\n%s, ns a pair (median)\n%-*s", group, kCellWidth, "");
  for (const Policy& policy : policies) {
    absl::StrAppendFormat(&line, "%*s", kColumnWidth, policy.name);
  }
  absl::StrAppendFormat(&line, "%*s%8s%12s\n", kColumnWidth, "best peer",
                        "ratio", "stats cost");
  return line;
}

std::string FormatRow(const std::vector<Measurement>& cell,
                      const std::vector<Policy>& policies) {
  std::string line = absl::StrFormat("%-*s", kCellWidth, cell.front().cell);
  for (const Policy& policy : policies) {
    const Measurement* entry = Find(cell, policy.name);
    absl::StrAppendFormat(
        &line, "%*s", kColumnWidth,
        entry == nullptr ? "-" : absl::StrFormat("%.2f", entry->median_ns));
  }
  const std::optional<Comparison> comparison = Compare(cell, policies);
  const std::optional<double> cost = StatisticsCost(cell, policies);
  absl::StrAppendFormat(
      &line, "%*s%8s%12s\n", kColumnWidth,
      comparison ? comparison->best_peer : "-",
      comparison ? absl::StrFormat("%.2f", comparison->ratio) : "-",
      cost ? absl::StrFormat("%.2f", *cost) : "-");
  return line;
}

}  // namespace

std::optional<Comparison> Compare(const std::vector<Measurement>& cell,
                                  const std::vector<Policy>& policies) {
  const Measurement* ours = nullptr;
  const Measurement* best = nullptr;
  for (const Policy& policy : policies) {
    const Measurement* entry = Find(cell, policy.name);
    if (entry == nullptr) continue;
    if (policy.role == Role::kOurs) ours = entry;
    if (policy.role == Role::kPeer &&
        (best == nullptr || entry->median_ns < best->median_ns)) {
      best = entry;
    }
  }
  if (ours == nullptr || best == nullptr) return std::nullopt;
  return Comparison{best->policy, ours->median_ns / best->median_ns};
}

std::optional<double> StatisticsCost(const std::vector<Measurement>& cell,
                                     const std::vector<Policy>& policies) {
  const Measurement* ours = nullptr;
  const Measurement* without = nullptr;
  for (const Policy& policy : policies) {
    if (policy.role == Role::kOurs) ours = Find(cell, policy.name);
    if (policy.role == Role::kNoStats) without = Find(cell, policy.name);
  }
  if (ours == nullptr || without == nullptr) return std::nullopt;
  return ours->median_ns - without->median_ns;
}

std::string FormatTables(const std::vector<Measurement>& measurements,
                         const std::vector<Policy>& policies) {
  std::string text;
  std::string group;
  for (auto first = measurements.begin(); first != measurements.end();) {
    const auto last = std::find_if(
        first, measurements.end(),
        [&](const Measurement& entry) { return entry.cell != first->cell; });
    if (first->group != group) {
      group = first->group;
      text += FormatHeader(group, policies);
    }
    text += FormatRow(std::vector<Measurement>(first, last), policies);
    first = last;
  }
  return text;
}

std::string FormatTrialTables(const std::vector<Measurement>& measurements,
                              const std::vector<Trial>& trials) {
  std::string text;
  std::string group;
  std::vector<std::string> policies;
  for (const Trial& trial : trials) {
    if (trial.group != group) {
      group = trial.group;
      policies = PoliciesOf(measurements, group);
      if (!policies.empty()) text += FormatTrialHeader(group, policies);
    }
    for (const TrialCell& cell : trial.cells) {
      text += FormatTrialRow(measurements, cell, policies);
    }
  }
  return text;
}

std::string CsvHeader() { return "cell,policy,median_ns,min_ns,p90_ns\n"; }

std::string CsvRow(const Measurement& measurement) {
  return absl::StrFormat("%s,%s,%.3f,%.3f,%.3f\n", measurement.cell,
                         measurement.policy, measurement.median_ns,
                         measurement.min_ns, measurement.p90_ns);
}

std::string CsvRow(const TrialCell& cell, const Bar& bar) {
  return absl::StrFormat(
      "%s,%s,%.3f,%.3f,%.3f\n", cell.name,
      bar.side == Bar::Side::kAtMost ? "bar_at_most" : "bar_at_least",
      bar.value, bar.value, bar.value);
}

}  // namespace poolscope::bench
