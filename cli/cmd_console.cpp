// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "console_pump.hpp"
#include "exit_code.hpp"
#include "terminal.hpp"

#include <unistd.h>

#include <array>
#include <chrono>

namespace visor::cli {
namespace {

using namespace std::chrono_literals;

int console(Context& context) {
  const auto& id = context.args.words.front();
  context.hints = {{Errc::not_found, "visor ps lists the VMs"}};
  const auto call = context.call(10s);
  const auto vm = context.runtime().attach(id, call);
  const auto guest = vm->console(call);
  const bool read_only = context.args.has("read-only");
  std::optional<KeyMode> keys;
  if (!read_only) keys.emplace(false);
  const bool typed = keys && keys->active();
  if (typed) context.out.notice("Console of '" + id + "': Ctrl-] q leaves, Ctrl-] Ctrl-] sends Ctrl-]");
  const auto input = read_only ? PumpInput::none : typed ? PumpInput::keys : PumpInput::stream;
  const auto warn = [&](std::string_view text) { context.out.warning(text); };
  const auto end = pump_console(*guest, input, context.interrupts.first(), warn);
  keys.reset();
  if (end == PumpEnd::cancelled) return exit_code::by_signal + context.interrupts.signal();
  if (end == PumpEnd::vm_gone) context.out.notice("The VM '" + id + "' has ended");
  return exit_code::ok;
}

constexpr std::array options = {
    OptionSpec{"read-only", "", "only show the console; stdin is left alone", 'r'},
    OptionSpec{"timeout", "TIME", "how long connecting may take (default: 10s)"},
};

}  // namespace

const Command console_command{
    "console",
    "ID",
    "connects to a VM's console",
    "First shows what the console's history still holds. In a terminal Ctrl-] q leaves, Ctrl-] Ctrl-] sends Ctrl-],\n"
    "and every other key goes to the guest.",
    options,
    1,
    1,
    console};

}  // namespace visor::cli
