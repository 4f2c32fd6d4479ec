// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "config_source.hpp"
#include "exit_code.hpp"
#include "explanation.hpp"
#include "visor/core/extensions.hpp"
#include "visor/runtime/log_sink.hpp"

#include <array>

namespace visor::cli {
namespace {

std::string shell_line(const std::vector<std::string>& argv) {
  std::string line;
  for (const auto& element : argv) line += (line.empty() ? "" : " ") + shell_word(element);
  return line.empty() ? line : line + "\n";
}

std::string element_lines(const std::vector<std::string>& argv) {
  std::string lines;
  for (const auto& element : argv) lines += printable(element) + "\n";
  return lines;
}

/// The parts of the command line; single words without a reason where the plugin tells none.
std::vector<CommandPart> parts_of(Hypervisor& hypervisor, const VmConfig& config, const std::string& id,
                                  const std::filesystem::path& folder) {
  const auto extension = std::dynamic_pointer_cast<ExplainExtension>(hypervisor.extension(ExplainExtension::id));
  if (extension) return extension->explain(config, id, folder);
  std::vector<CommandPart> parts;
  for (auto& word : hypervisor.command_line(config, id, folder)) parts.push_back({"command", {std::move(word)}, ""});
  return parts;
}

void explain(Context& context, const SourcedConfig& given, const std::string& plugin,
             const std::vector<CommandPart>& parts) {
  if (!context.out.json) return context.out.text(explanation(parts, given.origins));
  Value::List argv;
  for (const auto& part : parts) argv.insert(argv.end(), part.words.begin(), part.words.end());
  context.out.value(
      Value::map({{"plugin", plugin}, {"argv", std::move(argv)}, {"parts", explanation_value(parts, given.origins)}}));
}

void show(Context& context, const std::string& plugin, const std::vector<std::string>& argv) {
  if (context.out.json) {
    context.out.value(Value::map({{"plugin", plugin}, {"argv", Value::List{argv.begin(), argv.end()}}}));
  } else {
    context.out.text(context.args.has("shell") ? shell_line(argv) : element_lines(argv));
  }
}

int render(Context& context) {
  const bool reasons = context.args.has("explain");
  if (reasons && context.args.has("shell")) {
    throw Error(Errc::invalid_config, "--explain and --shell exclude each other: leave one out");
  }
  const auto given = read_config(context.args);
  const auto hypervisor = context.hypervisor(given.config);
  const auto plugin = hypervisor->info().name;
  const auto id = context.args.value("id").value_or("vm");
  const auto folder = context.runtime().store().folder(id);
  const bool starts = placed(given.origins, [&] {
    if (reasons) {
      const auto parts = parts_of(*hypervisor, given.config, id, folder);
      explain(context, given, plugin, parts);
      return !parts.empty();
    }
    const auto argv = hypervisor->command_line(given.config, id, folder);
    show(context, plugin, argv);
    return !argv.empty();
  });
  if (!starts) context.out.notice("The plugin " + plugin + " starts no process");
  return exit_code::ok;
}

constexpr std::array options = {
    set_option,
    name_option,
    OptionSpec{"id", "ID", "the VM's id, which is part of the paths (default: vm)"},
    OptionSpec{"shell", "", "one line that a POSIX shell reads"},
    OptionSpec{"explain", "", "by section, each option with what asked for it and where that stands"},
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
