#include "poolscope/exporter/router.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace poolscope {
namespace {

// A browser says whether the page that asks is of this site, or a person did by
// the address bar; other clients say nothing.
bool IsOwnSite(const HttpRequest& request) {
  const absl::string_view fetch_site = request.Header("Sec-Fetch-Site");
  return fetch_site.empty() || fetch_site == "same-origin" ||
         fetch_site == "none";
}

// It names the site of the page that posts, too.
bool IsOwnOrigin(const HttpRequest& request) {
  if (!IsOwnSite(request)) return false;
  const absl::string_view origin = request.Header("Origin");
  if (origin.empty()) return true;
  const absl::string_view host = request.Header("Host");
  return !host.empty() && (origin == absl::StrCat("http://", host) ||
                           origin == absl::StrCat("https://", host));
}

// A person follows a link, and no page of another site loads this one as a part
// of itself.
bool IsVisit(const HttpRequest& request) {
  return request.Header("Sec-Fetch-Mode") == "navigate" &&
         request.Header("Sec-Fetch-Dest") == "document";
}

bool Takes(const Router::Route& route, absl::string_view path) {
  const bool folder = route.path.size() > 1 && route.path.back() == '/';
  return folder ? absl::StartsWith(path, route.path) : path == route.path;
}

}  // namespace

void Router::AddGet(std::string path, std::string description,
                    std::unique_ptr<HttpHandler> handler, Role role) {
  routes_.push_back({std::move(path), std::move(description),
                     std::move(handler), /*post=*/false, role});
}

void Router::AddOpen(std::string path, std::string description,
                     std::unique_ptr<HttpHandler> handler) {
  routes_.push_back({std::move(path), std::move(description),
                     std::move(handler), /*post=*/false, std::nullopt});
}

void Router::AddPost(std::string path, std::string description,
                     std::unique_ptr<HttpHandler> handler) {
  routes_.push_back({std::move(path), std::move(description),
                     std::move(handler), /*post=*/true, Role::kAct});
}

HttpResponse Router::Serve(const HttpRequest& request) const {
  HttpResponse response;
  const Route* const route = Find(request.path);
  if (request.path.size() + request.query.size() > kMaxUriBytes) {
    response =
        LineResponse(414, absl::StrCat("path and query together may have ",
                                       kMaxUriBytes, " bytes"));
  } else if (route != nullptr && !route->role.has_value()) {
    response = Answer(*route, request);
  } else if (std::optional<HttpResponse> refusal = Refuse(
                 request, route == nullptr ? Role::kScrape : *route->role)) {
    response = *std::move(refusal);
  } else if (route == nullptr) {
    response = LineResponse(404, "no such page; / lists those there are");
  } else if (std::optional<HttpResponse> refusal =
                 RefuseSite(request, *route)) {
    response = *std::move(refusal);
  } else {
    response = Answer(*route, request);
  }
  response.handler = route == nullptr ? kOther : route->path;
  return response;
}

const Router::Route* Router::Find(absl::string_view path) const {
  for (const Route& route : routes_) {
    if (Takes(route, path)) return &route;
  }
  return nullptr;
}

std::optional<HttpResponse> Router::Refuse(const HttpRequest& request,
                                           Role needed) const {
  if (authenticator_ == nullptr) return std::nullopt;
  const Authenticator::Verdict verdict =
      authenticator_->Check(request.Header("Authorization"));
  switch (verdict.outcome) {
    case Authenticator::Outcome::kKnown:
      break;
    case Authenticator::Outcome::kUnknown: {
      HttpResponse response =
          LineResponse(401, "a user and a password, please");
      response.headers = {
          {"WWW-Authenticate", "Basic realm=\"poolscope\", charset=\"UTF-8\""}};
      return response;
    }
    case Authenticator::Outcome::kBusy: {
      HttpResponse response =
          LineResponse(429, "too many passwords are being checked; try again");
      response.headers = {{"Retry-After", "1"}};
      return response;
    }
  }
  if (Includes(verdict.role, needed)) return std::nullopt;
  return LineResponse(
      403, absl::StrCat("this needs the role ", RoleName(needed), "; you have ",
                        RoleName(verdict.role)));
}

std::optional<HttpResponse> Router::RefuseSite(const HttpRequest& request,
                                               const Route& route) const {
  if (route.post && !IsOwnOrigin(request)) {
    return LineResponse(403, "the Origin is not this server");
  }
  const bool figures = route.role == Role::kScrape;
  if (!route.post && !figures && !IsOwnSite(request) && !IsVisit(request)) {
    return LineResponse(403, "pages of other sites may link here, no more");
  }
  const bool guarded = route.post || (authenticator_ == nullptr && !figures);
  const absl::string_view host = request.Header("Host");
  if (!guarded || host_names_.Includes(host)) return std::nullopt;
  return LineResponse(
      403, absl::StrCat("\"", absl::CHexEscape(host),
                        "\" is not a name of this server: ask by its address, "
                        "or give it the name in SidecarOptions::hosts"));
}

HttpResponse Router::Answer(const Route& route,
                            const HttpRequest& request) const {
  HttpResponse response;
  if (route.post && request.method == "POST") {
    return route.handler->Handle(request);
  }
  if (route.post) {
    response = LineResponse(405, absl::StrCat(route.path, " takes POST only"));
    response.allow = "POST";
  } else if (request.method == "GET" || request.method == "HEAD") {
    response = route.handler->Handle(request);
  } else {
    response =
        LineResponse(405, absl::StrCat(route.path, " takes GET and HEAD only"));
    response.allow = "GET, HEAD";
  }
  return response;
}

}  // namespace poolscope
