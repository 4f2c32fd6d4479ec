// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "config_source.hpp"
#include "exit_code.hpp"
#include "visor/runtime/log_sink.hpp"

#include <algorithm>
#include <array>

namespace visor::cli {
namespace {

/// A word that a POSIX shell reads as this text.
std::string shell_word(const std::string& text) {
  constexpr std::string_view harmless = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!text.empty() && text.find_first_not_of(harmless) == std::string::npos) return text;
  std::string word = "'";
  for (const char c : text) c == '\'' ? word += "'\\''" : word += c;
  return word + "'";
}

std::string shell_line(const std::vector<std::string>& argv) {
  std::string line;
  for (const auto& element : argv) line += (line.empty() ? "" : " ") + shell_word(element);
  return line.empty() ? line : line + "\n";
}

int render(Context& context) {
  const auto config = read_config(context.args);
  const auto hypervisor = context.hypervisor(config);
  const auto id = context.args.value("id").value_or("vm");
  const auto argv = hypervisor->command_line(config, id, context.runtime().store().folder(id));
  if (context.out.json) {
    Value::List list{argv.begin(), argv.end()};
    context.out.value(Value::map({{"plugin", hypervisor->info().name}, {"argv", std::move(list)}}));
  } else if (context.args.has("shell")) {
    context.out.text(shell_line(argv));
  } else {
    std::string lines;
    for (const auto& element : argv) lines += printable(element) + "\n";
    context.out.text(lines);
  }
  if (argv.empty()) context.out.notice("The plugin " + hypervisor->info().name + " starts no process");
  return exit_code::ok;
}

constexpr std::array options = {
    set_option,
    name_option,
    OptionSpec{"id", "ID", "the VM's id, which is part of the paths (default: vm)"},
    OptionSpec{"shell", "", "one line that a POSIX shell reads"},
};

}  // namespace

const Command render_command{"render",
                             "FILE",
                             "prints the command that would start the VM, an element a line",
                             "Starts nothing and makes no folder. The descriptors and sockets that the command names "
                             "are made by the keeper, so\n"
                             "the line of --shell is for reading and comparing, not for starting.",
                             options,
                             1,
                             1,
                             render};

}  // namespace visor::cli
