#include "poolscope/metrics/native_memory/zlib_memory.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/tests/metrics/native_memory/malloc_in_use.h"

namespace poolscope {
namespace {

TEST(ZlibMemoryTest, StreamsAreCountedWithinTwoPercentOfMalloc) {
  NativeMemoryCategory* zlib = NativeMemoryCategory::Register("Zlib").value();
  constexpr int kStreams = 100;
  std::vector<z_stream> deflates(kStreams);
  std::vector<z_stream> inflates(kStreams);
  std::string text(100000, 'x');
  for (size_t i = 0; i < text.size(); i += 7) text[i] = static_cast<char>(i);
  std::string packed(200000, '\0');
  std::string unpacked(text.size(), '\0');

  const double before = MallocInUse();
  for (int i = 0; i < kStreams; ++i) {
    TrackZlibMemory(&deflates[i], zlib);
    ASSERT_EQ(deflateInit(&deflates[i], Z_DEFAULT_COMPRESSION), Z_OK);
    deflates[i].next_in = reinterpret_cast<Bytef*>(text.data());
    deflates[i].avail_in = text.size();
    deflates[i].next_out = reinterpret_cast<Bytef*>(packed.data());
    deflates[i].avail_out = packed.size();
    ASSERT_EQ(deflate(&deflates[i], Z_FINISH), Z_STREAM_END);

    TrackZlibMemory(&inflates[i], zlib);
    ASSERT_EQ(inflateInit(&inflates[i]), Z_OK);
    inflates[i].next_in = reinterpret_cast<Bytef*>(packed.data());
    inflates[i].avail_in = deflates[i].total_out;
    inflates[i].next_out = reinterpret_cast<Bytef*>(unpacked.data());
    inflates[i].avail_out = unpacked.size() - 1;  // keeps its window
    ASSERT_EQ(inflate(&inflates[i], Z_NO_FLUSH), Z_OK);
  }
  const double truth = MallocInUse() - before;
  const NativeMemoryTag full = zlib->Read();
  EXPECT_GT(truth, kStreams * 300000.0);
  EXPECT_NEAR(full.malloc_bytes, truth, 0.02 * truth);
  EXPECT_GE(full.malloc_count, 2u * kStreams);

  for (int i = 0; i < kStreams; ++i) {
    deflateEnd(&deflates[i]);
    inflateEnd(&inflates[i]);
  }
  const NativeMemoryTag empty = zlib->Read();
  EXPECT_EQ(empty.malloc_bytes, 0u);
  EXPECT_EQ(empty.malloc_count, 0u);
  EXPECT_GE(empty.peak_committed_bytes, full.malloc_bytes);
}

}  // namespace
}  // namespace poolscope
