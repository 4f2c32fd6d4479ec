// SPDX-License-Identifier: Apache-2.0
#include "output.hpp"

#include "visor/core/json.hpp"
#include "visor/runtime/log_sink.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

namespace visor::cli {
namespace {

/// False when the descriptor takes no more, with errno set. A descriptor that somebody made non-blocking is waited for.
bool write_all(int fd, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const auto size = ::write(fd, bytes.data(), bytes.size());
    if (size >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(size));
    } else if (errno == EAGAIN) {
      pollfd ready{fd, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::size_t shown_width(std::string_view text) {
  // Bytes that continue a UTF-8 sequence take no column.
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

void write_stdout(std::string_view bytes) {
  if (write_all(STDOUT_FILENO, bytes)) return;
  if (errno == EPIPE) throw StdoutClosed{};
  throw system_error("Cannot write to stdout", errno);
}

void write_stderr(std::string_view text) noexcept { write_all(STDERR_FILENO, text); }

std::string printable_lines(std::string_view text) {
  std::string lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines += printable(text.substr(0, end));
    if (end == std::string_view::npos) break;
    lines += '\n';
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::string table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], shown_width(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - shown_width(row[i]) + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

void Output::text(std::string_view text) const { write_stdout(text); }

void Output::value(const Value& value) const { write_stdout(to_json(value) + "\n"); }

void Output::error(const Error& error, std::string_view hint) const {
  if (json) {
    auto details = Value::map({{"code", to_string(error.code())}, {"message", error.message()}});
    if (!hint.empty()) details.set("hint", hint);
    write_stderr(to_json(Value::map({{"error", details}})) + "\n");
    return;
  }
  auto text = "visor: " + printable_lines(error.message());
  while (text.ends_with('\n')) text.pop_back();
  if (!hint.empty()) text += "\nhint: " + std::string{hint};
  write_stderr(text + "\n");
}

void Output::notice(std::string_view text) const {
  if (json || verbose) warning(text);
}

void Output::warning(std::string_view text) const {
  if (json) return event("notice", Value::map({{"text", text}}));
  write_stderr("visor: " + printable_lines(text) + "\n");
}

void Output::event(std::string_view name, const Value& data) const {
  if (!json) return;
  auto line = Value::map({{"event", name}});
  for (const auto& [key, value] : data.as_map()) line.set(key, value);
  write_stderr(to_json(line) + "\n");
}

}  // namespace visor::cli
