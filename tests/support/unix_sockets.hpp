// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <fstream>
#include <string>

namespace visor::test {

/// How many sockets of the system there are at a path: the listener's and one for each connection to it, those that
/// have yet to be accepted included.
inline std::size_t sockets_at(const std::string& path) {
  std::ifstream table{"/proc/net/unix"};
  std::size_t count = 0;
  for (std::string line; std::getline(table, line);) count += line.ends_with(' ' + path) ? 1 : 0;
  return count;
}

}  // namespace visor::test
