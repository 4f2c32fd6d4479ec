// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "exit_code.hpp"
#include "matrix.hpp"
#include "visor/runtime/log_sink.hpp"
#include "visor/runtime/plugin_registry.hpp"

#include <algorithm>
#include <array>

namespace visor::cli {
namespace {

Value plugin_value(const PluginInfo& plugin) {
  auto value = Value::map({{"name", plugin.name},
                           {"arch", plugin.arch},
                           {"kind", to_string(plugin.kind)},
                           {"file", plugin.file.string()},
                           {"compiler", plugin.compiler},
                           {"sdk_version", plugin.sdk_version},
                           {"fingerprint", plugin.fingerprint},
                           {"accepted", plugin.accepted()}});
  if (!plugin.accepted()) value.set("reason", plugin.reason);
  return value;
}

Value list_value(const PluginRegistry& registry) {
  Value::List plugins;
  for (const auto& plugin : registry.plugins()) plugins.push_back(plugin_value(plugin));
  Value::List folders;
  for (const auto& folder : registry.searched()) {
    folders.push_back(Value::map({{"directory", folder.directory.string()},
                                  {"origin", folder.origin},
                                  {"status", to_string(folder.status)},
                                  {"detail", folder.detail}}));
  }
  return Value::map({{"plugins", std::move(plugins)}, {"searched", std::move(folders)}});
}

std::string accepted_table(const PluginRegistry& registry) {
  std::vector<Row> rows{{"NAME", "ARCH", "KIND", "FILE"}};
  for (const auto& plugin : registry.plugins()) {
    if (!plugin.accepted()) continue;
    rows.push_back({printable(plugin.name), printable(plugin.arch), std::string{to_string(plugin.kind)},
                    printable(plugin.file.string())});
  }
  return table(rows);
}

/// Each folder with what was found in it, and what became of it.
std::string why(const PluginRegistry& registry) {
  std::string text;
  for (const auto& folder : registry.searched()) {
    text += printable(folder.directory.string()) + " (" + folder.origin + "): " + std::string{to_string(folder.status)};
    text += folder.detail.empty() ? "\n" : ": " + printable(folder.detail) + "\n";
    for (const auto& plugin : registry.plugins()) {
      if (plugin.directory != folder.directory || folder.status != SearchStatus::searched) continue;
      text += "  " + printable(plugin.file.filename().string()) + ": " +
              (plugin.accepted() ? "accepted as " + printable(plugin.name) : "rejected: " + printable(plugin.reason)) +
              "\n";
    }
  }
  return text;
}

int list(Context& context) {
  const auto& registry = context.runtime().plugins();
  const auto& plugins = registry.plugins();
  if (context.out.json) {
    context.out.value(list_value(registry));
  } else {
    context.out.text(context.args.has("why") ? why(registry) : accepted_table(registry));
    const auto rejected = std::count_if(plugins.begin(), plugins.end(), [](const auto& p) { return !p.accepted(); });
    if (rejected > 0 && !context.args.has("why")) {
      context.out.notice(std::to_string(rejected) + " rejected: visor plugin list --why tells the reasons");
    }
  }
  return exit_code::ok;
}

int show(Context& context) {
  context.hints = {{Errc::not_found, "visor plugin list --why shows where it looked and what it found"}};
  const auto& name = context.args.words.at(1);
  const auto& plugin = context.runtime().plugins().resolve(name);
  const auto hypervisor = context.runtime().hypervisor(plugin.name);
  const auto info = hypervisor->info();
  const auto matrix = matrix_of(*hypervisor);
  auto value = plugin_value(plugin);
  Value::List machines;
  std::string machine_names;
  for (const auto& machine : info.machines) {
    machines.emplace_back(machine);
    machine_names += (machine_names.empty() ? "" : ", ") + machine;
  }
  value.set("description", info.description);
  value.set("default_machine", info.default_machine);
  if (context.out.json) {
    value.set("machines", std::move(machines)).set("features", matrix);
    context.out.value(value);
    return exit_code::ok;
  }
  std::vector<Row> rows;
  for (const auto& [key, member] : value.as_map()) {
    if (member.is_string() && !member.as_string().empty()) rows.push_back({key + ":", printable(member.as_string())});
  }
  if (!machines.empty()) rows.push_back({"machines:", printable(machine_names)});
  context.out.text(table(rows) + "\n" + matrix_text(matrix));
  return exit_code::ok;
}

int plugin(Context& context) {
  const auto& verb = context.args.words.front();
  const auto words = context.args.words.size();
  if (verb == "list" && words == 1) return list(context);
  if (verb == "show" && words == 2) return show(context);
  context.hints = {{Errc::invalid_config, "visor plugin list, or visor plugin show NAME"}};
  throw Error(Errc::invalid_config,
              verb == "show"   ? "Which plugin is to be shown?"
              : verb == "list" ? "'plugin list' takes no argument"
                               : "Unknown word '" + printable(verb) + "'" + suggestion(verb, {"list", "show"}));
}

constexpr std::array options = {
    OptionSpec{"why", "", "list: each folder searched and each file in it, with the reason when it was rejected"},
};

}  // namespace

const Command plugin_command{"plugin",
                             "list | show NAME",
                             "lists the plugins, or tells about one",
                             "Listing runs no code of a plugin; showing loads it.",
                             options,
                             1,
                             2,
                             plugin};

}  // namespace visor::cli
