// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "message.hpp"
#include "visor/sdk/process/exit_record.hpp"

#include <optional>
#include <string>
#include <string_view>

/// The text forms of exits and journal lines. Shared by the keeper and its clients.
namespace visor::sdk::wire {

inline constexpr std::size_t record_lines = 8;
inline constexpr std::size_t record_line_bytes = 1024;
inline constexpr std::size_t record_stderr_bytes = 16 * 1024;
inline constexpr std::size_t helper_stderr_bytes = 1024;

/// "code:1", "signal:9", "signal:6:core" or "unknown".
std::string encode_status(const ExitStatus& status);
std::optional<ExitStatus> parse_status(std::string_view text);

/// "PID START".
std::string encode_identity(const ProcessIdentity& identity);
/// Takes both words off `rest`.
ProcessIdentity take_identity(std::string_view& rest);

/// "NAME PID START STATUS TIME_US STDERR…".
std::string encode_helper_exit(const HelperExit& helper);
HelperExit parse_helper_exit(std::string_view text);

/// "SEQUENCE TIME_US SOURCE FLAG TEXT…"; the flag is `t` for a truncated line, else `-`.
std::string encode_line(const JournalEntry& entry);
JournalEntry parse_line(std::string_view text);

/// The message that is also the text of the exit file. Its verb is `exited`.
Message encode_record(const ExitRecord& record);
std::optional<ExitRecord> parse_record(const Message& message);

}  // namespace visor::sdk::wire
