// SPDX-License-Identifier: Apache-2.0
#include "args.hpp"

#include "visor/core/describe.hpp"
#include "visor/core/error.hpp"
#include "visor/runtime/log_sink.hpp"

#include <boost/program_options/errors.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/positional_options.hpp>
#include <boost/program_options/value_semantic.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace visor::cli {
namespace {

namespace po = boost::program_options;

constexpr const char* words_key = "\x01words";  // no option can be called so

constexpr std::array globals = {
    OptionSpec{"help", "", "show what the command does and its options", 'h'},
    OptionSpec{"json", "", "results, errors and progress as JSON"},
    OptionSpec{"verbose", "", "progress and notices also when stderr is no terminal", 'v'},
    OptionSpec{"plugin-dir", "DIR", "look for plugins here first; may be repeated", '\0', true},
    OptionSpec{"run-dir", "DIR", "folder of the running VMs (default: VISOR_RUN_DIR, then one of the user's own)"},
    OptionSpec{"log-level", "LEVEL", "trace, debug, info, warning, error or off (default: warning)"},
};

/// A style that never guesses: an abbreviation that works today would break when an option is added.
constexpr auto style = po::command_line_style::allow_long | po::command_line_style::long_allow_adjacent |
                       po::command_line_style::long_allow_next | po::command_line_style::allow_short |
                       po::command_line_style::short_allow_adjacent | po::command_line_style::short_allow_next |
                       po::command_line_style::allow_dash_for_short | po::command_line_style::allow_sticky;

po::options_description description(std::span<const OptionSpec> options) {
  po::options_description all;
  for (const auto& option : options) {
    auto name = std::string{option.name};
    if (option.letter != '\0') name += std::string{","} + option.letter;
    if (option.argument.empty()) {
      all.add_options()(name.c_str(), "");
    } else {
      all.add_options()(name.c_str(), po::value<std::vector<std::string>>(), "");
    }
  }
  return all;
}

const OptionSpec* find_option(std::span<const OptionSpec> options, std::string_view name) {
  const auto found = std::find_if(options.begin(), options.end(), [&](const auto& option) {
    return name == option.name || (name.size() == 1 && name.front() == option.letter);
  });
  return found == options.end() ? nullptr : &*found;
}

Error unknown_option(std::string word, std::span<const OptionSpec> options) {
  word = word.substr(0, word.find('='));
  std::vector<std::string> names;
  for (const auto& option : options) names.push_back("--" + std::string{option.name});
  return Error(Errc::invalid_config,
               "Unknown option " + printable(word) + suggestion(word, {names.begin(), names.end()}));
}

void check_repetition(const Args& args, std::span<const OptionSpec> options) {
  for (const auto& [name, values] : args.options) {
    const auto* option = find_option(options, name);
    if (option != nullptr && !option->argument.empty() && !option->many && values.size() > 1) {
      throw Error(Errc::invalid_config, "Option --" + name + " is given " + std::to_string(values.size()) + " times");
    }
  }
}

}  // namespace

std::optional<std::string> Args::value(std::string_view option) const {
  const auto found = options.find(option);
  return found == options.end() || found->second.empty() ? std::nullopt : std::optional{found->second.back()};
}

std::vector<std::string> Args::values(std::string_view option) const {
  const auto found = options.find(option);
  return found == options.end() ? std::vector<std::string>{} : found->second;
}

std::span<const OptionSpec> global_options() noexcept { return globals; }

std::string take_command(std::vector<std::string>& words) {
  for (auto word = words.begin(); word != words.end(); ++word) {
    if (word->size() < 2 || word->front() != '-') {
      auto command = *word;
      words.erase(word);
      return command;
    }
    const auto* option = word->starts_with("--") ? find_option(globals, std::string_view{*word}.substr(2)) : nullptr;
    if (option != nullptr && !option->argument.empty() && std::next(word) != words.end()) ++word;
  }
  return {};
}

Args parse_args(const std::vector<std::string>& words, std::span<const OptionSpec> options) {
  auto known = description(options);
  known.add_options()(words_key, po::value<std::vector<std::string>>(), "");
  po::positional_options_description positional;
  positional.add(words_key, -1);
  Args args;
  try {
    for (auto& option :
         po::command_line_parser(words).options(known).positional(positional).style(style).run().options) {
      if (option.string_key == words_key) {
        args.words.insert(args.words.end(), option.value.begin(), option.value.end());
      } else {
        auto& values = args.options[option.string_key];
        values.insert(values.end(), option.value.begin(), option.value.end());
      }
    }
  } catch (const po::unknown_option& error) {
    throw unknown_option(error.get_option_name(), options);
  } catch (const po::error& error) {
    std::string text = error.what();
    if (!text.empty() && text.front() >= 'a' && text.front() <= 'z')
      text.front() = static_cast<char>(text.front() - 32);
    throw Error(Errc::invalid_config, printable(text));
  }
  check_repetition(args, options);
  return args;
}

std::string suggestion(std::string_view word, const std::vector<std::string_view>& candidates) {
  const auto near = nearest_word(word, candidates);
  return near.empty() ? std::string{} : "; did you mean '" + std::string{near} + "'?";
}

}  // namespace visor::cli
