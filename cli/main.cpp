// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "exit_code.hpp"
#include "help.hpp"
#include "visor/runtime/log_sink.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <exception>
#include <string>
#include <vector>

namespace visor::cli {
namespace {

/// Opened descriptors must never get the numbers of the standard streams.
void open_standard_streams() noexcept {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) (void)::open("/dev/null", O_RDWR);  // takes the lowest: this one
  }
}

const Command& command_of(std::vector<std::string>& words) {
  const auto name = take_command(words);
  if (name.empty()) {
    std::erase_if(words, [](const auto& word) { return word == "-h" || word == "--help"; });
    return std::erase(words, "--version") == 0 ? help_command : version_command;
  }
  if (const auto* command = find_command(name)) return *command;
  std::vector<std::string_view> names;
  for (const auto* command : commands()) names.push_back(command->name);
  throw Error(Errc::invalid_config, "Unknown command '" + printable(name) + "'" + suggestion(name, names));
}

Args parse(const Command& command, const std::vector<std::string>& words) {
  std::vector<OptionSpec> options{global_options().begin(), global_options().end()};
  options.insert(options.end(), command.options.begin(), command.options.end());
  auto args = parse_args(words, options);
  if (args.has("help")) return args;
  if (args.words.size() < command.min_words) {
    throw Error(Errc::invalid_config, "Too few arguments: visor " + usage_of(command));
  }
  if (args.words.size() > command.max_words) {
    throw Error(Errc::invalid_config, "Too many arguments, from '" + printable(args.words[command.max_words]) +
                                          "' on: visor " + usage_of(command));
  }
  return args;
}

int run_command_line(std::vector<std::string> words, Output& out, Interrupts& interrupts, std::string& hint) {
  hint = "visor help";
  const bool bare = words.empty();
  const auto& command = command_of(words);
  hint = "visor help " + std::string{command.name};
  Context context{parse(command, words), out, interrupts};
  hint.clear();
  if (context.args.has("help")) {
    context.out.text(help_of(command));
    return exit_code::ok;
  }
  context.out.verbose = out.json || context.args.has("verbose") || ::isatty(STDERR_FILENO) != 0;
  out = context.out;
  try {
    const int code = command.run(context);
    return bare ? exit_code::usage : code;
  } catch (const Error& error) {
    hint = context.hint(error.code());
    throw;
  }
}

int run_program(std::vector<std::string> words, Interrupts& interrupts) {
  Output out;
  std::string hint;
  const auto options_end = std::find(words.begin(), words.end(), "--");
  out.json = std::find(words.begin(), options_end, "--json") != options_end;
  try {
    return run_command_line(std::move(words), out, interrupts, hint);
  } catch (const StdoutClosed&) {
    return exit_code::by_signal + SIGPIPE;
  } catch (const Error& error) {
    const bool interrupted = error.code() == Errc::cancelled && interrupts.signal() != 0;
    out.error(error, hint);
    return interrupted ? exit_code::by_signal + interrupts.signal() : exit_code_of(error.code());
  } catch (const std::exception& error) {
    out.error(Error(Errc::internal, error.what()), {});
    return exit_code::failed;
  }
}

}  // namespace
}  // namespace visor::cli

int main(int argc, char** argv) {
  visor::cli::open_standard_streams();
  std::signal(SIGPIPE, SIG_IGN);
  try {
    visor::cli::Interrupts interrupts;
    return visor::cli::run_program({argv + std::min(argc, 1), argv + argc}, interrupts);
  } catch (const std::exception& error) {
    visor::cli::write_stderr(std::string{"visor: "} + error.what() + "\n");
    return visor::cli::exit_code::failed;
  }
}
