// What a scrape may have to show, as a target of libFuzzer: `./dev fuzz
// exposition`.
//
//   input --> collectables' families --+
//         --> families of our own -----+--> MergingWriter --> TextWriter
//                                                                 |
//   given values  <------------- compared ------- ParseExposition()
//                                                                 |
//   the same lines <------------ compared --- WriteOpenMetricsText()
//
// The input says what collectables deliver, names, labels, UTF-8 and values of
// any kind, and which families of our own stand beside it. These end it,
// besides the sanitizers: a text that a reader written apart from the writer
// refuses, a series that nobody gave, a value that reads back as another, a
// series that is neither shown nor counted as dropped, one of ours that is not
// shown, or that OpenMetrics has other samples or breaks that format's rules.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "poolscope/metrics/dropped_series.h"
#include "poolscope/metrics/foreign_families.h"
#include "poolscope/metrics/history/exposition_split.h"
#include "poolscope/metrics/history/metric_history.h"
#include "poolscope/metrics/history/openmetrics_text.h"
#include "poolscope/metrics/merging_writer.h"
#include "poolscope/metrics/metric_names.h"
#include "poolscope/metrics/text_writer.h"
#include "poolscope/metrics/utf8.h"
#include "poolscope/tests/fuzz/fuzz_input.h"
#include "poolscope/tests/metrics/exposition.h"
#include "prometheus/client_metric.h"
#include "prometheus/metric_family.h"
#include "prometheus/metric_type.h"

namespace poolscope {
namespace {

// A value as it must read back: every NaN is one.
uint64_t Bits(double value) {
  if (value != value) return ~uint64_t{0};
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

// What a series is called, labels in the order of their names. The bound of a
// bucket and a quantile, which are numbers, in one spelling.
std::string Key(absl::string_view name, LabelMap labels,
                const std::string& number_label) {
  const auto found = labels.find(number_label);
  double number;
  if (found != labels.end() && absl::SimpleAtod(found->second, &number)) {
    found->second = absl::StrFormat("%.17g", number);
  }
  std::string key(name);
  for (const auto& [label, value] : labels) {
    absl::StrAppend(&key, "\n", label, "=", value);
  }
  return key;
}

std::string NumberLabel(const std::string& type) {
  if (type == "histogram") return "le";
  return type == "summary" ? "quantile" : "";
}

// Everything that was handed to the writers.
struct Given {
  // By Key(); a series that comes twice has two values, and either may show.
  std::multimap<std::string, uint64_t> values;
  std::set<std::string> own;  // keys
  uint64_t series = 0;

  void Add(absl::string_view name, const LabelMap& labels,
           const std::string& type, double value) {
    values.emplace(Key(name, labels, NumberLabel(type)), Bits(value));
  }
  void AddTotals(const std::string& name, const LabelMap& labels, double sum,
                 uint64_t count) {
    Add(name + "_sum", labels, "", sum);
    Add(name + "_count", labels, "", static_cast<double>(count));
  }
};

// Ascending and different, as whoever fills a histogram has them.
std::set<double> Numbers(FuzzInput& input) {
  std::set<double> numbers;
  for (int left = input.Byte() % 4; left > 0; --left) {
    const double number = input.Real();
    if (number == number) numbers.insert(number);
  }
  return numbers;
}

std::string Bound(double number) { return absl::StrFormat("%.17g", number); }

prometheus::ClientMetric::Histogram Histogram(FuzzInput& input,
                                              const std::string& name,
                                              const LabelMap& labels,
                                              Given& given) {
  prometheus::ClientMetric::Histogram histogram;
  const auto add = [&](const std::string& bound, uint64_t count) {
    LabelMap with_bound = labels;
    with_bound["le"] = bound;
    given.Add(name + "_bucket", with_bound, "histogram",
              static_cast<double>(count));
  };
  for (const double bound : Numbers(input)) {
    histogram.sample_count += input.Byte();
    histogram.bucket.push_back({histogram.sample_count, bound});
    add(Bound(bound), histogram.sample_count);
  }
  add("inf", histogram.sample_count);
  histogram.sample_sum = input.Real();
  given.AddTotals(name, labels, histogram.sample_sum, histogram.sample_count);
  return histogram;
}

prometheus::ClientMetric::Summary Summary(FuzzInput& input,
                                          const std::string& name,
                                          const LabelMap& labels,
                                          Given& given) {
  prometheus::ClientMetric::Summary summary;
  for (const double quantile : Numbers(input)) {
    const double value = input.Real();
    summary.quantile.push_back({quantile, value});
    LabelMap with_quantile = labels;
    with_quantile["quantile"] = Bound(quantile);
    given.Add(name, with_quantile, "summary", value);
  }
  summary.sample_count = input.Number();
  summary.sample_sum = input.Real();
  given.AddTotals(name, labels, summary.sample_sum, summary.sample_count);
  return summary;
}

// One of some that get into each other's way, or any text.
std::string Name(FuzzInput& input) {
  constexpr const char* kNames[] = {"a",     "a_sum",   "a_count",  "a_bucket",
                                    "a_b",   "a:b",     "a_total",  "le",
                                    "label", "le_gume", "quantile", "__a"};
  constexpr size_t kCount = sizeof(kNames) / sizeof(kNames[0]);
  const size_t choice = input.Byte() % (kCount + 2);
  if (choice < kCount) return kNames[choice];
  if (choice > kCount) return std::string(input.Text());
  const auto rows = AllMetrics();
  return std::string(rows[input.Byte() % rows.size()].descriptor.name);
}

prometheus::MetricFamily Foreign(FuzzInput& input, Given& given) {
  prometheus::MetricFamily family;
  family.name = Name(input);
  family.type = static_cast<prometheus::MetricType>(input.Byte() % 5);
  // The reader wants one.
  const absl::string_view help = input.Text();
  family.help = absl::StrCat("h", IsUtf8(help) ? help : "");
  for (int left = input.Byte() % 6; left > 0; --left) {
    prometheus::ClientMetric series;
    LabelMap labels;
    for (int label = input.Byte() % 4; label > 0; --label) {
      series.label.push_back({Name(input), std::string(input.Text())});
      labels.emplace(series.label.back().name, series.label.back().value);
    }
    switch (family.type) {
      case prometheus::MetricType::Counter:
        series.counter.value = input.Real();
        given.Add(family.name, labels, "", series.counter.value);
        break;
      case prometheus::MetricType::Gauge:
        series.gauge.value = input.Real();
        given.Add(family.name, labels, "", series.gauge.value);
        break;
      case prometheus::MetricType::Untyped:
        series.untyped.value = input.Real();
        given.Add(family.name, labels, "", series.untyped.value);
        break;
      case prometheus::MetricType::Histogram:
        series.histogram = Histogram(input, family.name, labels, given);
        break;
      case prometheus::MetricType::Summary:
        series.summary = Summary(input, family.name, labels, given);
        break;
    }
    family.metric.push_back(std::move(series));
    ++given.series;
  }
  return family;
}

// A family of the catalogue, some of its labels shared. Our own are in order:
// no label set comes twice, and values are UTF-8.
void WriteOwn(FuzzInput& input, const MetricDescriptor& family,
              MetricWriter& writer, Given& given) {
  if (family.type == MetricType::kHistogram) return;
  const std::string name(family.name);
  writer.BeginFamily(family);
  const bool shares = input.Byte() % 2 == 1;
  if (shares) writer.ShareLabels({{"allocator", "a"}});
  for (int i = input.Byte() % 4; i > 0; --i) {
    const absl::string_view text = input.Text();
    const std::string value = absl::StrCat(i, IsUtf8(text) ? text : "");
    LabelMap labels = {{"label", value}};
    if (shares) labels["allocator"] = "a";
    const bool integer = input.Byte() % 2 == 1;
    const uint64_t number = input.Number();
    double real;
    std::memcpy(&real, &number, sizeof(real));
    const MetricValue shown = integer ? MetricValue(number) : MetricValue(real);
    writer.WriteSample({{"label", value}}, shown);
    given.Add(name, labels, "", shown.AsDouble());
    given.own.insert(Key(name, labels, ""));
    ++given.series;
  }
  writer.EndFamily();
}

// The type of the family that a sample is part of, and whether it is the one
// part that each series has once.
std::pair<std::string, bool> TypeOf(const Exposition& exposition,
                                    const std::string& name) {
  const auto whole = exposition.types.find(name);
  if (whole != exposition.types.end() && whole->second != "summary") {
    return {whole->second, true};
  }
  if (whole != exposition.types.end()) return {whole->second, false};
  const auto family =
      exposition.types.find(name.substr(0, name.find_last_of('_')));
  FuzzCheck(family != exposition.types.end(), "a sample has a family");
  return {family->second, absl::EndsWith(name, "_count")};
}

void Check(absl::string_view text, const Given& given, uint64_t dropped) {
  const absl::StatusOr<Exposition> exposition = ParseExposition(text);
  if (!exposition.ok()) {
    std::fprintf(stderr, "%s\n", exposition.status().ToString().c_str());
  }
  FuzzCheck(exposition.ok(), "the reader takes the text");
  uint64_t series = 0;
  std::set<std::string> shown;
  for (const Exposition::Sample& sample : exposition->samples) {
    const auto [type, counts] = TypeOf(*exposition, sample.name);
    const std::string key = Key(sample.name, sample.labels, NumberLabel(type));
    shown.insert(key);
    series += counts ? 1 : 0;
    double value = 0;
    FuzzCheck(absl::SimpleAtod(sample.value, &value), "a value is a number");
    bool was_given = false;
    const auto [first, last] = given.values.equal_range(key);
    for (auto it = first; it != last; ++it) {
      was_given = was_given || it->second == Bits(value);
    }
    if (!was_given) std::fprintf(stderr, "%s\n", key.c_str());
    FuzzCheck(was_given, "a series and its value were given");
  }
  FuzzCheck(series + dropped == given.series, "shown or counted as dropped");
  for (const std::string& key : given.own) {
    FuzzCheck(shown.count(key) == 1, "our own are shown");
  }
}

// Lines of samples, sorted.
std::multiset<std::string> SamplesOf(absl::string_view text) {
  std::multiset<std::string> samples;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!line.empty() && line[0] != '#') samples.emplace(line);
  }
  return samples;
}

std::string OpenMetrics(absl::string_view text) {
  std::string names;
  std::string values;
  SplitExposition(text, names, values);
  MetricHistory history;
  FuzzCheck(history.Add(1000000000, std::make_shared<const std::string>(names),
                        values),
            "a scrape is history");
  std::string result;
  WriteOpenMetricsText(history, [&](absl::string_view piece) {
    absl::StrAppend(&result, piece);
  });
  return result;
}

// A family's help: a backslash before itself, a quote or an n alone.
void CheckEscapes(absl::string_view help) {
  for (size_t i = 0; i < help.size(); ++i) {
    FuzzCheck(help[i] != '"', "a quote is escaped");
    if (help[i] != '\\') continue;
    ++i;
    FuzzCheck(i < help.size() && absl::string_view("\\\"n").find(help[i]) !=
                                     absl::string_view::npos,
              "an escape that there is");
  }
}

bool IsPartOf(absl::string_view sample, absl::string_view family,
              absl::string_view type) {
  if (!absl::ConsumePrefix(&sample, family)) return false;
  if (type == "counter") return sample == "_total";
  if (type == "gauge" || type == "unknown") return sample.empty();
  return sample == "_sum" || sample == "_count" ||
         sample == (type == "summary" ? "" : "_bucket");
}

// The rules of OpenMetrics that Prometheus or the format's text has, read line
// by line; and the samples of `text`, each with its time.
void CheckOpenMetrics(absl::string_view openmetrics, absl::string_view text) {
  FuzzCheck(absl::ConsumeSuffix(&openmetrics, "# EOF\n"), "an end");
  std::set<std::string> families;
  std::multiset<std::string> samples;
  std::string family;
  std::string type;
  bool help_follows = false;
  for (absl::string_view line :
       absl::StrSplit(openmetrics, '\n', absl::SkipEmpty())) {
    if (help_follows) {
      FuzzCheck(
          absl::ConsumePrefix(&line, absl::StrCat("# HELP ", family, " ")),
          "help follows the type");
      CheckEscapes(line);
      help_follows = false;
    } else if (absl::ConsumePrefix(&line, "# TYPE ")) {
      const std::pair<std::string, std::string> words =
          absl::StrSplit(line, absl::MaxSplits(' ', 1));
      family = words.first;
      type = words.second;
      FuzzCheck(families.insert(family).second, "a family comes once");
      FuzzCheck(type == "counter" || type == "gauge" || type == "histogram" ||
                    type == "summary" || type == "unknown",
                "a type of that format");
      help_follows = true;
    } else {
      FuzzCheck(absl::ConsumeSuffix(&line, " 1.000"), "a sample has its time");
      const absl::string_view name = line.substr(0, line.find_first_of("{ "));
      FuzzCheck(IsPartOf(name, family, type), "a sample of its family");
      samples.emplace(line);
    }
  }
  FuzzCheck(samples == SamplesOf(text), "the samples that the text has");
}

void Fuzz(FuzzInput input) {
  Given given;
  DroppedSeries dropped;
  ForeignFamilies foreign(&dropped);
  std::vector<prometheus::MetricFamily> families;
  for (int left = input.Byte() % 8; left > 0; --left) {
    families.push_back(Foreign(input, given));
  }
  foreign.Add(std::move(families));
  TextWriter text;
  MergingWriter merged(foreign, &dropped, &text);
  const auto rows = AllMetrics();
  for (size_t row = input.Byte(); row < rows.size(); row += 1 + input.Byte()) {
    WriteOwn(input, rows[row].descriptor, merged, given);
    if (input.ended()) break;
  }
  merged.WriteRemaining({});
  uint64_t drops = 0;
  for (int i = 0; i < kDropReasonCount; ++i) {
    drops += dropped.Get(static_cast<DropReason>(i));
  }
  Check(text.text(), given, drops);
  CheckOpenMetrics(OpenMetrics(text.text()), text.text());
}

}  // namespace
}  // namespace poolscope

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  poolscope::Fuzz(poolscope::FuzzInput(data, size));
  return 0;
}
