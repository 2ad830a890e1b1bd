// PrintLine: a line of the demo's report, seen at once also where it is read
// through a pipe. What the stream did not take shows in std::ferror().
#ifndef POOLSCOPE_EXAMPLES_DEMO_PRINT_LINE_H_
#define POOLSCOPE_EXAMPLES_DEMO_PRINT_LINE_H_

#include <cstdio>
#include <string>

namespace poolscope::demo {

inline void PrintLine(const std::string& text, std::FILE* out) {
  std::fputs(text.c_str(), out);
  std::fputc('\n', out);
  std::fflush(out);
}

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_PRINT_LINE_H_
