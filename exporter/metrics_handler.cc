#include "poolscope/exporter/metrics_handler.h"

#include <utility>

#include "poolscope/exporter/exposition_choice.h"
#include "poolscope/exporter/late_scrape.h"
#include "poolscope/exporter/scrape_timeout.h"

namespace poolscope {

HttpResponse MetricsHandler::Handle(const HttpRequest& request) {
  Scraper::Scrape scrape =
      scraper_->Get(ChooseExposition(request.Header("Accept")),
                    ScrapePatience(request.Header(kScrapeTimeoutHeader)));
  if (scrape.stopped) return LineResponse(503, "the server is being stopped");
  if (scrape.text == nullptr) {
    return LineResponse(503,
                        "the figures did not come within the time for a "
                        "scrape, and there are no earlier ones");
  }
  HttpResponse response;
  response.content_type = ContentTypeOf(scrape.format);
  response.vary = "Accept";
  if (scrape.late) {
    response.SetBody(LateScrape(scrape.text->text(), scrape.age));
  } else {
    response.body = scrape.text->text();
    response.body_owner = std::move(scrape.text);
  }
  return response;
}

}  // namespace poolscope
