// Progress: what the bench is at, on standard error: a line for each cell that
// is done and, on a terminal, the round of the one that is not.
#ifndef POOLSCOPE_BENCH_PROGRESS_H_
#define POOLSCOPE_BENCH_PROGRESS_H_

#include <string>

namespace poolscope::bench {

// Thread-compatible.
class Progress {
 public:
  Progress(int cells, int rounds);

  void Round(const std::string& cell, int round);

  // A trial has no rounds: it has begun.
  void Begin(const std::string& trial);

  // `result` in a few words.
  void CellDone(const std::string& cell, const std::string& result);

 private:
  const int cells_;
  const int rounds_;
  const bool terminal_;
  int done_ = 0;
};

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_PROGRESS_H_
