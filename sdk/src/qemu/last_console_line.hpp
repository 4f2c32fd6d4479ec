// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>

namespace visor::sdk {

/// The last line that a guest printed, from the log that its keeper writes beside the console: in quotes, printable, at
/// most 512 bytes of it. Empty when there is none, or when it cannot be read. [reads a file's end]
std::string last_console_line(const std::filesystem::path& console_log) noexcept;

}  // namespace visor::sdk
