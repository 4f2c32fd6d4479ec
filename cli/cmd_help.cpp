// SPDX-License-Identifier: Apache-2.0
#include "exit_code.hpp"
#include "help.hpp"
#include "visor/core/plugin_abi.hpp"
#include "visor/runtime/log_sink.hpp"

#include <string>
#include <vector>

namespace visor::cli {
namespace {

std::string options_table(std::span<const OptionSpec> options) {
  std::vector<Row> rows;
  for (const auto& option : options) {
    auto name = (option.letter != '\0' ? std::string{"  -"} + option.letter + ", --" : std::string{"      --"}) +
                std::string{option.name};
    if (!option.argument.empty()) name += " " + std::string{option.argument};
    rows.push_back({std::move(name), std::string{option.help}});
  }
  return table(rows);
}

std::string overview() {
  std::vector<Row> rows;
  for (const auto* command : commands()) {
    rows.push_back(
        {"  " + std::string{command->name} + " " + std::string{command->arguments}, std::string{command->summary}});
  }
  return "Runs virtual machines through hypervisor plugins.\n\nusage: visor COMMAND [OPTION...] [ARGUMENT...]\n\n" +
         table(rows) + "\nOptions of all commands:\n" + options_table(global_options());
}

int help(Context& context) {
  if (context.args.words.empty()) {
    context.out.text(overview());
    return exit_code::ok;
  }
  const auto& name = context.args.words.front();
  const auto* command = find_command(name);
  if (command == nullptr) {
    std::vector<std::string_view> names;
    for (const auto* known : commands()) names.push_back(known->name);
    throw Error(Errc::invalid_config, "Unknown command '" + printable(name) + "'" + suggestion(name, names));
  }
  context.out.text(help_of(*command));
  return exit_code::ok;
}

int version(Context& context) {
  if (context.out.json) {
    context.out.value(Value::map(
        {{"version", VISOR_SDK_VERSION}, {"plugin_abi", VISOR_PLUGIN_ABI}, {"fingerprint", VISOR_FINGERPRINT}}));
  } else {
    context.out.text("visor " VISOR_SDK_VERSION " (plugin ABI " + std::to_string(VISOR_PLUGIN_ABI) +
                     ", " VISOR_FINGERPRINT ")\n");
  }
  return exit_code::ok;
}

}  // namespace

std::string usage_of(const Command& command) {
  auto usage = std::string{command.name};
  if (!command.options.empty()) usage += " [OPTION...]";
  if (!command.arguments.empty()) usage += " " + std::string{command.arguments};
  return usage;
}

std::string help_of(const Command& command) {
  auto text = "usage: visor " + usage_of(command) + "\n\n" + std::string{command.summary} + "\n";
  if (!command.details.empty()) text += "\n" + std::string{command.details} + "\n";
  if (!command.options.empty()) text += "\n" + options_table(command.options);
  return text + "\nOptions of all commands:\n" + options_table(global_options());
}

const Command help_command{"help", "[COMMAND]", "shows the commands, or one command's options", "", {}, 0, 1, help};
const Command version_command{"version", "",     "shows the version and what plugins must be built for", "", {}, 0,
                              0,         version};

}  // namespace visor::cli
