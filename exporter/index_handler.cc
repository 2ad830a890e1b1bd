#include "poolscope/exporter/index_handler.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "poolscope/exporter/ui/ui_assets.h"
#include "poolscope/metrics/build_info.h"

namespace poolscope {
namespace {

// Parts and figures come from this server. Styles that the charts set are set
// on elements by script, which is no inline style.
constexpr absl::string_view kOwnPartsPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

}  // namespace

HttpResponse IndexHandler::Handle(const HttpRequest&) {
  // Paths and descriptions are constants of this library: nothing to escape.
  std::string pages;
  for (const Router::Route& route : router_->routes()) {
    if (route.description.empty()) continue;
    if (route.post) {
      absl::StrAppend(&pages, "<li><code>POST ", route.path, "</code> &ndash; ",
                      route.description, "</li>\n");
      continue;
    }
    absl::StrAppend(&pages, "<li><a href=\"", route.path, "\">", route.path,
                    "</a> &ndash; ", route.description, "</li>\n");
  }
  HttpResponse response;
  response.content_type = "text/html; charset=utf-8";
  response.content_security_policy = kOwnPartsPolicy;
  response.SetBody(absl::StrReplaceAll(
      UiPageTemplate(),
      {{"{{VERSION}}", kVersion},
       {"{{REGISTERED}}",
        absl::StrCat("Allocators registered: ", registry_->allocator_count(),
                     ". Outbound channels: ",
                     registry_->has_channels() ? "shown" : "none",
                     ". Further collectables: ", registry_->collectable_count(),
                     ".")},
       {"{{PAGES}}", pages}}));
  return response;
}

}  // namespace poolscope
