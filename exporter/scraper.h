// Scraper: collects for scrapes on a thread of its own, so that each waits no
// longer than it has time for.
//
//   scrape, and its patience --+                  +-> in time: its figures
//   scrape, and its patience --+-> a collection --+
//                                       |         +-> late: those of the last
//                                       v             collection
//                                       (late_scrape.h)
//                                kept as the last
//
// A collection that is late goes on, and becomes the last. There is never more
// than one; scrapes that come meanwhile share the next, which begins after they
// came, so that what they get is never older than they are.
//
//   Scraper scraper(&registry, &writers);
//   absl::Status status = scraper.Start();
//   Scraper::Scrape scrape = scraper.Get(ExpositionFormat::kText, patience);
//
// Thread safety: Get() is thread-safe; Stop() may run beside it.
//
// Ownership: borrows the registry and the writers until Stop() has returned.
// Stop() does not wait for collectables of the embedder: the thread is then
// left alone with what it was handed, and ends when they return.
#ifndef POOLSCOPE_EXPORTER_SCRAPER_H_
#define POOLSCOPE_EXPORTER_SCRAPER_H_

#include <memory>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "poolscope/exporter/scratch_pool.h"
#include "poolscope/metrics/metric_registry.h"
#include "poolscope/metrics/text_writer.h"

namespace poolscope {

using TextWriterPool = ScratchPool<TextWriter>;

class Scraper {
 public:
  struct Scrape {
    // Null: there was no time, and nothing was collected before; or the scraper
    // is stopped. Not changed any more, and given back before the pool of
    // writers ends.
    std::shared_ptr<const TextWriter> text;
    ExpositionFormat format = ExpositionFormat::kText;
    bool late = false;                          // the last, not its own
    absl::Duration age = absl::ZeroDuration();  // of a late one
    bool stopped = false;
  };

  Scraper(MetricRegistry* registry, TextWriterPool* writers);
  ~Scraper();
  Scraper(const Scraper&) = delete;
  Scraper& operator=(const Scraper&) = delete;

  // ResourceExhaustedError when the system gives no thread.
  absl::Status Start();
  // Lets who waits in Get() go. May be called twice.
  void Stop();

  // Waits for a collection, for `patience` at most. A late scrape is in
  // `format` too, unless the only one before was in another.
  Scrape Get(ExpositionFormat format, absl::Duration patience);

 private:
  struct State;

  static void Run(std::shared_ptr<State> state);

  const std::shared_ptr<State>
      state_;  // the thread's too, which may outlive us
  std::thread thread_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_SCRAPER_H_
