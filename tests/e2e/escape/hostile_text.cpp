// SPDX-License-Identifier: Apache-2.0
#include "hostile_text.hpp"

#include <array>
#include <string_view>

namespace visor::test {
namespace {

using namespace std::string_view_literals;

constexpr std::array plain = {"a"sv, "b7"sv, "X"sv, "0"sv, "_"sv, "."sv, "-"sv, "+"sv, "vm"sv};
constexpr std::array hostile = {","sv,
                                ",,"sv,
                                ",,,"sv,
                                "="sv,
                                "=="sv,
                                "\""sv,
                                "'"sv,
                                "\\"sv,
                                "%"sv,
                                "%d"sv,
                                "%s%n"sv,
                                " "sv,
                                "  "sv,
                                "/"sv,
                                ":"sv,
                                "a:b"sv,
                                "nbd:"sv,
                                "json:{"sv,
                                "}"sv,
                                "fd:3"sv,
                                "file:"sv,
                                "host:"sv,
                                "--"sv,
                                "-drive "sv,
                                "$(id)"sv,
                                "`id`"sv,
                                "|cat"sv,
                                ";"sv,
                                "&"sv,
                                "*"sv,
                                "?"sv,
                                "["sv,
                                "]"sv,
                                "{"sv,
                                "~"sv,
                                "#"sv,
                                "!"sv,
                                "<>"sv,
                                "^"sv,
                                "@"sv,
                                "\\n"sv,
                                "\\x2c"sv,
                                ",id=x"sv,
                                ",on"sv,
                                "on"sv,
                                ",path=/etc"sv,
                                ",readonly=on"sv,
                                ",romfile=/etc/passwd,rombar=1"sv,
                                ",file.filename=/etc/passwd"sv,
                                ",logfile=pwned"sv,
                                ",process=hidden"sv,
                                ",string=x"sv,
                                "\u00e4"sv,
                                "\u65e5\u672c"sv,
                                "\U0001f600"sv,
                                "\u00a0"sv,
                                "e\u0301"sv,
                                "\u202e"sv,
                                "\ufeff"sv};
constexpr std::array broken = {"\0"sv,      "\n"sv,   "\r\n"sv,    "\t"sv,   "\x01"sv,
                               "\x1b[2J"sv, "\x7f"sv, "\0,id=x"sv, "\xff"sv, "\xc3"sv};
constexpr std::array whole = {
    ""sv,     ","sv,       ",,"sv,        "="sv,    "-"sv,  "--help"sv, "-drive"sv, "nbd:host:1"sv, "json:{\"a\":1}"sv,
    "fd:3"sv, "a:b"sv,     "file:/x"sv,   "help"sv, "?"sv,  "on"sv,     "a,"sv,     ",a"sv,         " a"sv,
    "a "sv,   "\"a b\""sv, "/dev/null"sv, "%d"sv,   "\n"sv, "\0"sv,     "x=1"sv};

}  // namespace

std::string HostileText::pieces(std::size_t size) {
  const bool breaks = below(5) == 0;
  std::string text;
  while (text.size() < size) {
    const auto kind = below(12);
    if (breaks && kind == 0) {
      text += broken[below(broken.size())];
    } else if (kind < 5) {
      text += plain[below(plain.size())];
    } else {
      text += hostile[below(hostile.size())];
    }
  }
  return text;
}

std::string HostileText::next() {
  const auto kind = below(100);
  if (kind < 12) return std::string{whole[below(whole.size())]};
  if (kind < 70) return pieces(1 + below(10));
  if (kind < 96) return pieces(10 + below(60));
  return pieces(kind < 98 ? 300 : 4096);
}

std::string file_name_of(const std::string& text) {
  constexpr std::size_t longest = 200;  // linux: NAME_MAX is 255, and a piece of text may come on top
  std::string path;
  std::size_t size = 0;
  for (const char c : text) {
    const bool full = size >= longest;
    size = c == '/' || full ? 0 : size + 1;
    if (full && c != '/') path += '/';
    path += c;
  }
  // A name of dots alone leads to another folder, and one that is empty nowhere.
  for (std::size_t at = 0; at != std::string::npos;) {
    const auto end = std::min(path.find('/', at), path.size());
    if (path.find_first_not_of('.', at) >= end) path.insert(at, "d");
    const auto next = path.find('/', at);
    at = next == std::string::npos ? next : next + 1;
  }
  return path;
}

}  // namespace visor::test
