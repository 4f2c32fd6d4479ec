// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace visor::cli {

/// One option of a command, as plain data: parser and help are driven by it.
struct OptionSpec {
  std::string_view name;
  std::string_view argument;  ///< what its argument is called in the help; empty: it takes none
  std::string_view help;
  char letter = '\0';
  bool many = false;  ///< may be given more than once
};

/// The words of a command line, sorted out.
class Args {
 public:
  std::map<std::string, std::vector<std::string>, std::less<>> options;
  std::vector<std::string> words;  ///< what is no option

  [[nodiscard]] bool has(std::string_view option) const { return options.contains(option); }
  [[nodiscard]] std::optional<std::string> value(std::string_view option) const;
  [[nodiscard]] std::vector<std::string> values(std::string_view option) const;
};

/// Options that every command takes.
std::span<const OptionSpec> global_options() noexcept;

/// Takes the command, the first word that is neither an option nor an argument of a global one, out of the words. Empty
/// when there is none.
std::string take_command(std::vector<std::string>& words);

/// Throws invalid_config naming the word that is wrong, and the nearest right one.
Args parse_args(const std::vector<std::string>& words, std::span<const OptionSpec> options);

/// "; did you mean 'x'?" for the candidate nearest to a misspelt word; empty when none is near.
std::string suggestion(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace visor::cli
