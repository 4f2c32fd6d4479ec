// SPDX-License-Identifier: Apache-2.0
#include "process_check.hpp"

#include "visor/core/error.hpp"
#include "visor/core/file.hpp"

#include <cstdint>
#include <sstream>
#include <string>

namespace visor::detail {
namespace {

constexpr int state_field = 3;  // of /proc/PID/stat, counted as in proc(5)
constexpr int start_time_field = 22;

}  // namespace

bool is_alive(const ProcessIdentity& process) {
  if (process.pid <= 0) return false;
  std::string text;
  try {
    text = read_file("/proc/" + std::to_string(process.pid) + "/stat", 4096);
  } catch (const Error&) {
    return false;
  }
  // The second field is the program's name in parentheses, with any bytes in it.
  const auto end = text.rfind(')');
  if (end == std::string::npos) return false;
  std::istringstream fields{text.substr(end + 1)};
  std::string state;
  std::string field;
  fields >> state;
  for (int number = state_field; number < start_time_field; ++number) fields >> field;
  return state != "Z" && state != "X" && field == std::to_string(process.start_time);
}

}  // namespace visor::detail
