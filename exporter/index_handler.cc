#include "poolscope/exporter/index_handler.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "poolscope/metrics/build_info.h"

namespace poolscope {

HttpResponse IndexHandler::Handle(const HttpRequest&) {
  // Paths and descriptions are constants of this library: nothing to escape.
  std::string page = absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
      "<title>poolscope</title></head>\n<body>\n<h1>poolscope ",
      kVersion,
      "</h1>\n<p>Allocators registered: ", registry_->allocator_count(),
      ". Outbound channels: ", registry_->has_channels() ? "shown" : "none",
      ". Further collectables: ", registry_->collectable_count(),
      ".</p>\n<ul>\n");
  for (const Router::Route& route : router_->routes()) {
    if (route.description.empty()) continue;
    if (route.post) {
      absl::StrAppend(&page, "<li>POST ", route.path, " &ndash; ",
                      route.description, "</li>\n");
      continue;
    }
    absl::StrAppend(&page, "<li><a href=\"", route.path, "\">", route.path,
                    "</a> &ndash; ", route.description, "</li>\n");
  }
  absl::StrAppend(&page, "</ul>\n</body>\n</html>\n");
  HttpResponse response;
  response.content_type = "text/html; charset=utf-8";
  response.SetBody(std::move(page));
  return response;
}

}  // namespace poolscope
