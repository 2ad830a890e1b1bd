#include "poolscope/exporter/gzip_stream.h"

#include <random>
#include <string>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "poolscope/bench/gunzip.h"

namespace poolscope {
namespace {

// Bytes that cannot be compressed.
std::string Noise(size_t size) {
  std::mt19937 random(7);
  std::string noise(size, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  return noise;
}

TEST(GzipStreamTest, OneStreamGivesBackBodiesOfEverySize) {
  GzipStream gzip;
  // Noise is as large compressed: the output buffer ends at 65536 at first.
  for (const size_t size :
       {0, 1, 1000, 65500, 65535, 65536, 65537, 131072, 3000000, 5}) {
    for (const std::string& plain : {std::string(size, 'x'), Noise(size)}) {
      const absl::StatusOr<std::string> back =
          bench::Gunzip(gzip.Compress(plain));
      ASSERT_TRUE(back.ok()) << back.status() << " size " << size;
      EXPECT_TRUE(*back == plain) << size;
    }
  }
}

TEST(GzipStreamTest, TheSameBodyGivesTheSameBytes) {
  GzipStream gzip;
  const std::string plain(100000, 'x');
  const std::string first(gzip.Compress(plain));
  (void)gzip.Compress(Noise(1000));
  EXPECT_EQ(first, gzip.Compress(plain));
  EXPECT_LT(first.size(), plain.size() / 100);
}

TEST(GzipStreamTest, UsesItsMemoryAgain) {
  GzipStream gzip;
  EXPECT_LT(gzip.capacity_bytes(), 100u);
  const std::string plain = Noise(100000);
  (void)gzip.Compress(plain);
  const size_t held = gzip.capacity_bytes();
  // zlib's window and tables, and room for what does not compress.
  EXPECT_GT(held, 300000u);
  EXPECT_LT(held, 600000u);
  for (int i = 0; i < 100; ++i) (void)gzip.Compress(plain);
  EXPECT_EQ(gzip.capacity_bytes(), held);
}

}  // namespace
}  // namespace poolscope
