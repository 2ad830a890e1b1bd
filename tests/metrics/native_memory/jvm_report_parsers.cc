#include "poolscope/tests/metrics/native_memory/jvm_report_parsers.h"

#include <algorithm>
#include <cstddef>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace poolscope {
namespace {

// Calls `each` for every match in all of the text, lines and all.
template <typename Each>
void ForEachMatch(const std::string& text, const std::regex& pattern,
                  Each each) {
  for (std::sregex_iterator match(text.begin(), text.end(), pattern), end;
       match != end; ++match) {
    each(*match);
  }
}

std::string LowerWith(std::string name, char for_blank) {
  for (char& c : name) {
    c = c == ' ' ? for_blank : static_cast<char>(std::tolower(c));
  }
  return name;
}

// What stands before the last "KB", as a 32-bit integer and nothing else.
int KilobytesOf(const std::string& value) {
  const std::string digits = value.substr(0, value.rfind("KB"));
  size_t used = 0;
  const int number = std::stoi(digits, &used);
  if (used != digits.size()) throw std::invalid_argument(value);
  return number;
}

}  // namespace

ParsedReport ParseLikeClientJava(const std::string& report) {
  static const std::regex kPattern(
      "\\s*([A-Z][A-Za-z\\s]*[A-Za-z]+).*reserved=(\\d+), committed=(\\d+)");
  ParsedReport parsed;
  ForEachMatch(report, kPattern, [&](const std::smatch& match) {
    // One series a name: a second sample of it would be an error.
    if (!parsed
             .emplace(match[1], ReservedCommitted{std::stoull(match[2]),
                                                  std::stoull(match[3])})
             .second) {
      throw std::invalid_argument("twice: " + match[1].str());
    }
  });
  return parsed;
}

ParsedReport ParseLikeNmtMetrics(const std::string& report) {
  static const std::regex kTotal(
      "Total: reserved=(\\d*)KB, committed=(\\d*)KB");
  static const std::regex kCategory(
      "-\\s*(.*) \\(reserved=(\\d*)KB, committed=(\\d*)KB\\)");
  ParsedReport parsed;
  std::smatch total;
  if (std::regex_search(report, total, kTotal)) {
    parsed["total"] = {std::stoull(total[1]), std::stoull(total[2])};
  }
  ForEachMatch(report, kCategory, [&](const std::smatch& match) {
    parsed[LowerWith(match[1], '.')] = {std::stoull(match[2]),
                                        std::stoull(match[3])};
  });
  return parsed;
}

std::map<std::string, int> ParseLikeSpringBootStarter(
    const std::string& report) {
  static const std::regex kTotal("^Total: reserved=(.*), committed=(.*)");
  static const std::regex kSection(
      "^-\\s+([A-Za-z0-9 -]+) \\(reserved=(.*), committed=(.*)\\)");
  static const std::regex kMmap("\\(mmap: reserved=(.*), committed=(.*)\\)");
  static const std::regex kMalloc("\\(malloc=(.*) #([0-9]+)\\)");
  static const std::regex kArena("\\(arena=(.*) #([0-9]+)\\)");
  static const std::regex kThreads("\\(threads? #([0-9]+)\\)");
  static const std::regex kStack("\\(stack: reserved=(.*), committed=(.*)\\)");
  std::map<std::string, int> parsed;
  std::string section;
  const auto put = [&](const std::string& key, const std::string& value) {
    parsed[section.empty() ? key : section + "." + key] = KilobytesOf(value);
  };
  std::istringstream lines(report);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (line.empty() ||
        line.find("Native Memory Tracking:") != std::string::npos) {
      section.clear();
    } else if (std::regex_search(line, match, kTotal)) {
      put("total.reserved", match[1]);
      put("total.committed", match[2]);
    } else if (std::regex_search(line, match, kSection)) {
      section = LowerWith(match[1], '-');
      put("reserved", match[2]);
      put("committed", match[3]);
    } else if (std::regex_search(line, match, kMmap)) {
      put("mmap.reserved", match[1]);
      put("mmap.committed", match[2]);
    } else if (std::regex_search(line, match, kMalloc)) {
      put("malloc.allocated", match[1]);
      put("malloc.allocations", match[2]);
    } else if (std::regex_search(line, match, kArena)) {
      put("arena.allocated", match[1]);
      put("arena.allocations", match[2]);
    } else if (std::regex_search(line, match, kThreads)) {
      put("threads.total", match[1]);
    } else if (std::regex_search(line, match, kStack)) {
      put("stack.reserved", match[1]);
      put("stack.committed", match[2]);
    }
  }
  return parsed;
}

}  // namespace poolscope
