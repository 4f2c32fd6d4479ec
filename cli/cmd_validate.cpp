// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "config_source.hpp"
#include "exit_code.hpp"
#include "visor/core/describe.hpp"
#include "visor/runtime/log_sink.hpp"

#include <array>

namespace visor::cli {
namespace {

int validate(Context& context) {
  const auto given = read_config(context.args);
  const auto hypervisor = context.hypervisor(given.config);
  const auto checked = placed(given.origins, [&] { return hypervisor->validate(given.config); });
  const auto info = hypervisor->info();
  if (context.out.json) {
    context.out.value(Value::map({{"valid", true}, {"plugin", info.name}, {"config", to_value(checked, true)}}));
  } else {
    context.out.text(printable(context.args.words.front()) + ": valid for " + printable(info.name) + "\n");
  }
  return exit_code::ok;
}

constexpr std::array options = {set_option, name_option};

}  // namespace

const Command validate_command{
    "validate",
    "FILE",
    "checks a configuration, with the plugin that it is for",
    "Starts nothing, and does not look for what the start alone needs: the folders, sockets and\n"
    "devices of the host that the VM's devices stand for. With --json prints the\n"
    "configuration with all defaults filled in.",
    options,
    1,
    1,
    validate};

}  // namespace visor::cli
