// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/sdk/export.h"
#include "visor/sdk/process/process_identity.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visor::sdk {

/// How a process ended.
struct ExitStatus {
  enum class Kind : std::uint8_t {
    code,     ///< value is the exit code
    signal,   ///< value is the signal
    unknown,  ///< it was nobody's child that could tell (its keeper died before it)
  };
  Kind kind = Kind::unknown;
  int value = 0;
  bool core_dumped = false;

  bool operator==(const ExitStatus&) const = default;
  /// "exit code 1", "signal 9 (core dumped)" or "unknown: keeper died".
  [[nodiscard]] VISOR_SDK_EXPORT std::string text() const;
};

/// What ended the main process.
enum class EndedBy : std::uint8_t {
  itself,  ///< it ended on its own, or somebody outside ended it
  owner,   ///< the owner, after the keeper passed a stop request on to it
  term,    ///< the keeper's SIGTERM
  kill,    ///< the keeper's SIGKILL
};

/// "itself", "owner", "term", "kill".
VISOR_SDK_EXPORT std::string_view to_string(EndedBy ended_by) noexcept;

/// One recorded line, as it came and unread.
struct JournalEntry {
  std::uint64_t sequence = 0;  ///< from 1, without gaps over all sources of one keeper
  std::uint64_t time_us = 0;   ///< microseconds since 1970 when its end was read
  std::string source;          ///< JournalSource::name
  bool truncated = false;      ///< it was longer than the limit
  std::string line;            ///< without the line end
};

/// A helper that ended before the main process did.
struct HelperExit {
  std::string name;
  ProcessIdentity identity;
  ExitStatus status;
  std::uint64_t time_us = 0;
  std::string stderr_tail;  ///< at most 1 KiB
};

/// What the keeper wrote when the main process ended.
struct ExitRecord {
  std::string name;  ///< of the main process
  ProcessIdentity identity;
  ExitStatus status;
  std::uint64_t time_us = 0;  ///< microseconds since 1970
  EndedBy ended_by = EndedBy::itself;
  std::string cause;  ///< why the keeper ended it: "stop", "kill", "lifeline", "keeper"; empty if it did not
  std::vector<JournalEntry> last_lines;  ///< the newest eight at most, oldest first, each cut at 1 KiB
  std::string stderr_tail;               ///< at most 16 KiB
  std::vector<HelperExit> helpers;
};

/// Reads `<run_dir>/exit`; empty when there is none. [any thread] [file I/O]
/// Errors: permission_denied, io_error; invalid_config for a file that is no exit record.
VISOR_SDK_EXPORT std::optional<ExitRecord> read_exit_record(const std::string& run_dir);

}  // namespace visor::sdk
