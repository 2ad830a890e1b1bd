#include <iostream>
#include <string>
#include <vector>

#include "poolscope/exporter/blackbox/black_box_command.h"

int main(int argc, char** argv) {
  const int exit_code = poolscope::RunBlackBoxCommand(
      std::vector<std::string>(argv + 1, argv + argc), std::cout, std::cerr);
  std::cout << std::flush;
  return std::cout.good() ? exit_code : 1;
}
