#include "poolscope/exporter/civetweb/civetweb_mount.h"

#include <chrono>
#include <new>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "civetweb.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/response_head.h"

namespace poolscope {
namespace {

using SteadyClock = std::chrono::steady_clock;

HttpRequest RequestOf(const mg_request_info& info) {
  HttpRequest request;
  request.method = info.request_method;
  const char* const path =
      info.local_uri_raw != nullptr ? info.local_uri_raw : info.request_uri;
  if (path != nullptr) request.path = path;
  if (info.query_string != nullptr) request.query = info.query_string;
  request.headers.reserve(info.num_headers);
  for (int i = 0; i < info.num_headers; ++i) {
    request.headers.push_back(
        {info.http_headers[i].name, info.http_headers[i].value});
  }
  return request;
}

// An exception would end the process: there is C between here and the thread.
HttpResponse Serve(HttpService* service, const HttpRequest& request) {
  try {
    return service->Serve(request);
  } catch (const std::bad_alloc&) {
    return LineResponse(503, "there is no memory to answer");
  }
}

// Of a client that has gone nothing more is to be had.
void Write(mg_connection* connection, absl::string_view text) {
  mg_write(connection, text.data(), text.size());
}

int OnRequest(mg_connection* connection, void* mounted) {
  const SteadyClock::time_point start = SteadyClock::now();
  auto* const service = static_cast<HttpService*>(mounted);
  const HttpRequest request = RequestOf(*mg_get_request_info(connection));
  const HttpResponse response = Serve(service, request);
  mg_disable_connection_keep_alive(connection);
  Write(connection, ResponseHead(response, /*keep_alive=*/false, absl::Now()));
  if (request.method != "HEAD") Write(connection, response.body);
  service->Served(response.handler, response.status,
                  absl::FromChrono(SteadyClock::now() - start));
  return response.status;
}

}  // namespace

void MountOn(const mg_context* context, HttpService* service) {
  for (const absl::string_view path : kMountedPaths) {
    mg_set_request_handler(const_cast<mg_context*>(context),
                           std::string(path).c_str(), &OnRequest, service);
  }
}

void UnmountFrom(const mg_context* context) {
  for (const absl::string_view path : kMountedPaths) {
    mg_set_request_handler(const_cast<mg_context*>(context),
                           std::string(path).c_str(), nullptr, nullptr);
  }
}

}  // namespace poolscope
