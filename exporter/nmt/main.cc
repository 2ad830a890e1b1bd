#include <iostream>
#include <string>
#include <vector>

#include "poolscope/exporter/nmt/nmt_command.h"

int main(int argc, char** argv) {
  const poolscope::NmtResult result =
      poolscope::RunNmtCommand(std::vector<std::string>(argv + 1, argv + argc));
  std::cout << result.output << std::flush;
  std::cerr << result.error;
  return std::cout.good() ? result.exit_code : 1;
}
