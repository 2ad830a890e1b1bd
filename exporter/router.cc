#include "poolscope/exporter/router.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace poolscope {
namespace {

// A browser names the site of the page that posts; other clients name none.
bool IsOwnOrigin(const HttpRequest& request) {
  absl::string_view origin = request.Header("Origin");
  if (origin.empty()) return true;
  const absl::string_view host = request.Header("Host");
  return !host.empty() && (origin == absl::StrCat("http://", host) ||
                           origin == absl::StrCat("https://", host));
}

bool Takes(const Router::Route& route, absl::string_view path) {
  const bool folder = route.path.size() > 1 && route.path.back() == '/';
  return folder ? absl::StartsWith(path, route.path) : path == route.path;
}

}  // namespace

void Router::AddGet(std::string path, std::string description,
                    std::unique_ptr<HttpHandler> handler) {
  routes_.push_back({std::move(path), std::move(description),
                     std::move(handler), /*post=*/false});
}

void Router::AddPost(std::string path, std::string description,
                     std::unique_ptr<HttpHandler> handler) {
  routes_.push_back({std::move(path), std::move(description),
                     std::move(handler), /*post=*/true});
}

HttpResponse Router::Serve(const HttpRequest& request) const {
  if (request.path.size() + request.query.size() > kMaxUriBytes) {
    HttpResponse response =
        LineResponse(414, absl::StrCat("path and query together may have ",
                                       kMaxUriBytes, " bytes"));
    response.handler = kOther;
    return response;
  }
  for (const Route& route : routes_) {
    if (!Takes(route, request.path)) continue;
    HttpResponse response;
    if (route.post && request.method == "POST") {
      response = IsOwnOrigin(request)
                     ? route.handler->Handle(request)
                     : LineResponse(403, "the Origin is not this server");
    } else if (route.post) {
      response =
          LineResponse(405, absl::StrCat(route.path, " takes POST only"));
      response.allow = "POST";
    } else if (request.method == "GET" || request.method == "HEAD") {
      response = route.handler->Handle(request);
    } else {
      response = LineResponse(
          405, absl::StrCat(route.path, " takes GET and HEAD only"));
      response.allow = "GET, HEAD";
    }
    response.handler = route.path;
    return response;
  }
  HttpResponse response =
      LineResponse(404, "no such page; / lists those there are");
  response.handler = kOther;
  return response;
}

}  // namespace poolscope
