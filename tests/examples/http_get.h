// HttpGet(): one request to a server on 127.0.0.1, for tests.
#ifndef POOLSCOPE_TESTS_EXAMPLES_HTTP_GET_H_
#define POOLSCOPE_TESTS_EXAMPLES_HTTP_GET_H_

#include <string>

namespace poolscope {

struct HttpResponse {
  int status = 0;  // 0 when no whole response came
  std::string headers;
  std::string body;
};

// `target` is a path with its query, percent-encoded where it must be. Gives
// up after a minute.
HttpResponse HttpGet(int port, const std::string& target);

// Percent-encodes all but letters and digits.
std::string UrlEncode(const std::string& text);

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_EXAMPLES_HTTP_GET_H_
