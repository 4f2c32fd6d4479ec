// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "args.hpp"
#include "context.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace visor::cli {

/// One command of the program, as plain data.
struct Command {
  std::string_view name;
  std::string_view arguments;  ///< as in the usage line
  std::string_view summary;
  std::string_view details;  ///< more for its own help; may be empty
  std::span<const OptionSpec> options;
  std::size_t min_words = 0;
  std::size_t max_words = 0;
  /// Returns the exit code; throws Error or StdoutClosed.
  int (*run)(Context& context) = nullptr;
};

/// All commands, in the order of the help.
std::span<const Command* const> commands() noexcept;
const Command* find_command(std::string_view name) noexcept;

extern const Command run_command;
extern const Command restore_command;
extern const Command ps_command;
extern const Command inspect_command;
extern const Command console_command;
extern const Command wait_command;
extern const Command stop_command;
extern const Command pause_command;
extern const Command resume_command;
extern const Command plug_command;
extern const Command unplug_command;
extern const Command resize_command;
extern const Command stats_command;
extern const Command balloon_command;
extern const Command dump_command;
extern const Command save_command;
extern const Command send_command;
extern const Command receive_command;
extern const Command rm_command;
extern const Command gc_command;
extern const Command plugin_command;
extern const Command doctor_command;
extern const Command validate_command;
extern const Command render_command;
extern const Command version_command;
extern const Command help_command;

}  // namespace visor::cli
