// What three tools make of a JVM's report on native memory: each with the
// patterns of the tool, at the scale that it asks for.
#ifndef POOLSCOPE_TESTS_METRICS_NATIVE_MEMORY_JVM_REPORT_PARSERS_H_
#define POOLSCOPE_TESTS_METRICS_NATIVE_MEMORY_JVM_REPORT_PARSERS_H_

#include <cstdint>
#include <map>
#include <string>

namespace poolscope {

struct ReservedCommitted {
  uint64_t reserved = 0;
  uint64_t committed = 0;

  bool operator==(const ReservedCommitted& other) const {
    return reserved == other.reserved && committed == other.committed;
  }
};

// By the name under which the tool exports them.
using ParsedReport = std::map<std::string, ReservedCommitted>;

// prometheus/client_java, JvmNativeMemoryMetrics: summary, scale=B. One pattern
// over the whole text; the line of sums is the category "Total".
ParsedReport ParseLikeClientJava(const std::string& report);

// glandais/nmt-metrics: summary, KB. Names in lower case with dots; "total".
ParsedReport ParseLikeNmtMetrics(const std::string& report);

// mikheevshow/nmt-metrics-spring-boot-starter: summary, KB, line by line. Keys
// such as "glibc-heap.mmap.committed". Ends with an exception where a figure is
// no 32-bit integer before "KB".
std::map<std::string, int> ParseLikeSpringBootStarter(
    const std::string& report);

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_METRICS_NATIVE_MEMORY_JVM_REPORT_PARSERS_H_
