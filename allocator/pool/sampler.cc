#include "poolscope/allocator/pool/sampler.h"

#include <algorithm>
#include <cmath>

#include "poolscope/allocator/base/clock.h"

namespace poolscope {
namespace pool_internal {
namespace {

// A sample may take 1/50 of the time since the one before; where it takes less
// than 1/200, the interval shrinks again. Freeing a sampled block costs about
// as much as making it, hence the factor.
constexpr int64_t kMaxShare = 50;
constexpr int64_t kMinShare = 200;
constexpr int64_t kWholeCost = 2;

// The two functions of <cmath> that samples need, to eleven digits: their code
// and tables there would become a quarter of a MiB of resident memory.

// log(x) for x > 0: x = 2^e * m, log(m) = 2 atanh((m - 1) / (m + 1)).
double Log(double x) {
  constexpr double kLog2 = 0.693147180559945309;
  int exponent = 0;
  for (; x < 0.7; x *= 2) --exponent;
  for (; x > 1.4; x /= 2) ++exponent;
  const double t = (x - 1) / (x + 1);
  const double square = t * t;
  double sum = 0;
  for (int n = 13; n > 0; n -= 2) sum = sum * square + 1.0 / n;
  return exponent * kLog2 + 2 * t * sum;
}

// 1 - exp(-x) for x >= 0: the series of a small x, then doubled, by
// 1 - exp(-2x) = y (2 - y) where y = 1 - exp(-x).
double OneMinusExp(double x) {
  if (x > 40) return 1;
  int doublings = 0;
  for (; x > 0.001; x /= 2) ++doublings;
  double y = x * (1 - x / 2 * (1 - x / 3 * (1 - x / 4)));
  for (; doublings > 0; --doublings) y *= 2 - y;
  return y;
}

}  // namespace

SampleRecord* Sampler::NewRecord() {
  return static_cast<SampleRecord*>(metadata_->Allocate(sizeof(SampleRecord)));
}

void Sampler::Add(SampleRecord* record) {
  MutexLock lock(&mutex_);
  record->id = next_id_++;
  record->prev = nullptr;
  record->next = newest_;
  if (newest_ != nullptr) newest_->prev = record;
  newest_ = record;
  ++live_;
}

void Sampler::Remove(SampleRecord* record) {
  {
    MutexLock lock(&mutex_);
    if (record->next != nullptr) record->next->prev = record->prev;
    if (record->prev != nullptr) {
      record->prev->next = record->next;
    } else {
      newest_ = record->next;
    }
    --live_;
  }
  Discard(record);
}

void Sampler::Discard(SampleRecord* record) {
  metadata_->Free(record, sizeof(SampleRecord));
}

SampleTotals Sampler::Totals() const {
  SampleTotals totals;
  MutexLock lock(&mutex_);
  totals.live = live_;
  for (const SampleRecord* r = newest_; r != nullptr; r = r->next) {
    totals.internal_fragmentation_bytes +=
        r->weight * static_cast<double>(r->class_bytes - r->requested_bytes);
    if (totals.oldest_nanos == 0 || r->allocated_nanos < totals.oldest_nanos) {
      totals.oldest_nanos = r->allocated_nanos;
    }
  }
  return totals;
}

void SamplePace::Start(size_t fixed_interval_bytes, uint64_t seed,
                       uint64_t one_in) {
  random_ = seed * 0x9e3779b97f4a7c15u | 1;
  one_in_ = fixed_interval_bytes == 1 ? 1 : one_in;
  adapt_ = fixed_interval_bytes == 0 && one_in_ == 0;
  interval_bytes_ = adapt_ ? kMinIntervalBytes : fixed_interval_bytes;
}

double SamplePace::Uniform() {
  // xorshift64* (Vigna 2016), the upper 53 bits as a number in (0, 1].
  random_ ^= random_ >> 12;
  random_ ^= random_ << 25;
  random_ ^= random_ >> 27;
  const uint64_t bits = (random_ * 0x2545f4914f6cdd1du) >> 11;
  return (static_cast<double>(bits) + 1) * 0x1p-53;
}

double SamplePace::Probability(size_t class_bytes) const {
  if (one_in_ != 0) return 1.0 / one_in_;
  return OneMinusExp(static_cast<double>(class_bytes) / interval_bytes_);
}

uint64_t SamplePace::SampleGap(size_t class_bytes) {
  if (one_in_ == 1) return 1;
  // The ceiling of an exponential variable is geometric, with exactly the
  // probability 1 - e^(-class / interval), or 1 - e^(-rate) = 1 / one_in.
  const double rate =
      one_in_ != 0 ? -Log(1 - 1.0 / one_in_) : class_bytes / interval_bytes_;
  const double gap = std::ceil(-Log(Uniform()) / rate);
  return static_cast<uint64_t>(std::clamp(gap, 1.0, 0x1p62));
}

bool SamplePace::Toss(size_t class_bytes) {
  return one_in_ == 1 || Uniform() <= Probability(class_bytes);
}

double SamplePace::Weight(size_t class_bytes) const {
  if (one_in_ != 0) return one_in_;
  return Weight(class_bytes, interval_bytes_);
}

double SamplePace::Weight(size_t class_bytes, double interval_bytes) {
  return 1 / OneMinusExp(static_cast<double>(class_bytes) / interval_bytes);
}

void SamplePace::BeginSample() {
  if (adapt_) begun_nanos_ = PreciseNanos();
}

void SamplePace::PauseSample() {
  if (!adapt_ || begun_nanos_ == 0) return;
  paused_nanos_ = PreciseNanos();
  cost_nanos_ += paused_nanos_ - begun_nanos_;
  begun_nanos_ = 0;
}

void SamplePace::EndSample() {
  if (!adapt_) return;
  PauseSample();
  const int64_t cost = kWholeCost * cost_nanos_;
  const int64_t between = paused_nanos_ - last_end_nanos_;
  cost_nanos_ = 0;
  last_end_nanos_ = paused_nanos_;
  if (cost * kMaxShare > between) {
    interval_bytes_ = std::min(interval_bytes_ * 2, kMaxIntervalBytes);
  } else if (cost * kMinShare < between) {
    interval_bytes_ = std::max(interval_bytes_ / 2, kMinIntervalBytes);
  }
}

}  // namespace pool_internal
}  // namespace poolscope
