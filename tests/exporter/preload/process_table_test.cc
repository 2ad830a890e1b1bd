#include "poolscope/exporter/preload/process_table.h"

#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "gtest/gtest.h"
#include "poolscope/exporter/listen_address.h"
#include "prometheus/metric_family.h"

namespace poolscope {
namespace {

ListenAddress Loopback() { return ParseListenAddress("127.0.0.1:0").value(); }

// A process that has ended and is no more.
pid_t Gone() {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  return child;
}

TEST(ProcessTableTest, HasTheLastPortOfAProcess) {
  ProcessTable table(Loopback());
  EXPECT_TRUE(table.Entries().empty());
  table.Set(getpid(), 9464);
  table.Set(getpid(), 65535);
  ASSERT_EQ(table.Entries().size(), 1);
  EXPECT_EQ(table.Entries()[0].process, getpid());
  EXPECT_EQ(table.Entries()[0].port, 65535);
}

TEST(ProcessTableTest, AChildsEntryIsSeenByItsParentWhileItRuns) {
  ProcessTable table(Loopback());
  int done[2];
  int end[2];
  ASSERT_EQ(pipe(done), 0);
  ASSERT_EQ(pipe(end), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(end[1]);
    table.Set(getpid(), 1);
    close(done[0]);
    close(done[1]);
    char byte;
    _exit(read(end[0], &byte, 1) == 0 ? 0 : 1);
  }
  close(done[1]);
  char byte;
  EXPECT_EQ(read(done[0], &byte, 1), 0);
  ASSERT_EQ(table.Entries().size(), 1);
  EXPECT_EQ(table.Entries()[0].process, child);
  close(end[1]);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(table.Entries().empty());
  close(done[0]);
  close(end[0]);
}

TEST(ProcessTableTest, ThePlaceOfOneThatEndedIsTaken) {
  ProcessTable table(Loopback());
  const pid_t gone = Gone();
  for (size_t i = 0; i < ProcessTable::kMostProcesses; ++i) table.Set(gone, 1);
  table.Set(getpid(), 2);
  ASSERT_EQ(table.Entries().size(), 1);
  EXPECT_EQ(table.Entries()[0].process, getpid());
}

TEST(ProcessTableTest, IsAFamilyOfMetrics) {
  ProcessTable table(Loopback());
  table.Set(getpid(), 9464);
  const std::vector<prometheus::MetricFamily> families = table.Collect();
  ASSERT_EQ(families.size(), 1);
  ASSERT_EQ(families[0].metric.size(), 1);
  EXPECT_EQ(families[0].metric[0].label[1].value, "http://127.0.0.1:9464");
}

TEST(ProcessTableTest, AnUrlHasAnIpv6AddressInBrackets) {
  ProcessTable table(ParseListenAddress("[::1]:0").value());
  table.Set(getpid(), 9464);
  EXPECT_EQ(table.Collect()[0].metric[0].label[1].value, "http://[::1]:9464");
}

}  // namespace
}  // namespace poolscope
