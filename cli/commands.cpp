// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"

#include <algorithm>
#include <array>

namespace visor::cli {
namespace {

constexpr std::array all = {&run_command,    &restore_command, &ps_command,       &inspect_command, &console_command,
                            &wait_command,   &stop_command,    &pause_command,    &resume_command,  &plug_command,
                            &unplug_command, &resize_command,  &stats_command,    &balloon_command, &dump_command,
                            &save_command,   &send_command,    &receive_command,  &rm_command,      &gc_command,
                            &plugin_command, &doctor_command,  &validate_command, &render_command,  &version_command,
                            &help_command};

}  // namespace

std::span<const Command* const> commands() noexcept { return all; }

const Command* find_command(std::string_view name) noexcept {
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto* command) { return command->name == name; });
  return found == all.end() ? nullptr : *found;
}

}  // namespace visor::cli
