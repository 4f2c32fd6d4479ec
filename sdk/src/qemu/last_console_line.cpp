// SPDX-License-Identifier: Apache-2.0
#include "last_console_line.hpp"

#include "qmp/log_text.hpp"

#include <array>
#include <exception>
#include <fstream>
#include <string_view>

namespace visor::sdk {

std::string last_console_line(const std::filesystem::path& console_log) noexcept try {
  constexpr std::streamoff looked_at = 4096;
  std::ifstream log{console_log, std::ios::binary | std::ios::ate};
  const std::streamoff size = log ? static_cast<std::streamoff>(log.tellg()) : 0;
  if (size <= 0) return {};
  std::array<char, looked_at> buffer{};
  log.seekg(size > looked_at ? size - looked_at : 0);
  log.read(buffer.data(), buffer.size());
  std::string_view text{buffer.data(), static_cast<std::size_t>(log.gcount())};
  const auto end = text.find_last_not_of(std::string_view{" \t\r\n\0", 5});
  if (end == std::string_view::npos) return {};
  text = text.substr(0, end + 1);
  const auto begin = text.find_last_of("\r\n");
  if (begin != std::string_view::npos) text = text.substr(begin + 1);
  return "'" + qmp::shown_text(text) + "'";
} catch (const std::exception&) {
  return {};
}

}  // namespace visor::sdk
