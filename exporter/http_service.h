// HttpService: what an HTTP server calls, whichever it is: HttpServer, or the
// server that a service has already.
#ifndef POOLSCOPE_EXPORTER_HTTP_SERVICE_H_
#define POOLSCOPE_EXPORTER_HTTP_SERVICE_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "poolscope/exporter/http_message.h"

namespace poolscope {

// Called from several threads at a time.
class HttpService {
 public:
  virtual ~HttpService() = default;

  virtual HttpResponse Serve(const HttpRequest& request) = 0;

  // An answer was handed to the socket. `handler` is the response's, or empty
  // where the request never reached Serve().
  virtual void Served(absl::string_view handler, int status,
                      absl::Duration took) = 0;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_HTTP_SERVICE_H_
