// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/error.hpp"
#include "visor/core/value.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace visor::cli {

/// Nobody reads stdout any more: the command ends as a program does that SIGPIPE ends.
struct StdoutClosed {};

/// Writes all bytes. Throws StdoutClosed, io_error. [blocks as long as the reader lets it]
void write_stdout(std::string_view bytes);
/// Writes what it can; a lost message is no failure.
void write_stderr(std::string_view text) noexcept;

/// Lines of text that a terminal shows and does not act on; newlines stay.
std::string printable_lines(std::string_view text);

/// Columns that a terminal shows it in.
std::size_t shown_width(std::string_view text);

/// Columns of equal width, two blanks between; the last one is not padded.
using Row = std::vector<std::string>;
std::string table(const std::vector<Row>& rows);

/// How a command speaks: results to stdout, everything else to stderr; with json both in JSON, a value a line.
class Output {
 public:
  bool json = false;
  bool verbose = false;  ///< progress and notices

  /// A result; written at once and whole.
  void text(std::string_view text) const;
  void value(const Value& value) const;
  /// `visor: <message>`, and a line with the hint when there is one.
  void error(const Error& error, std::string_view hint) const;
  /// Something worth knowing that is no result: only when verbose, as {"event":"notice"} with json.
  void notice(std::string_view text) const;
  /// Something that is amiss and no failure: also when not verbose.
  void warning(std::string_view text) const;
  /// A line of {"event":…} with json; otherwise nothing.
  void event(std::string_view name, const Value& data) const;
};

}  // namespace visor::cli
