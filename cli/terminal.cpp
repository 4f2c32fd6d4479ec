// SPDX-License-Identifier: Apache-2.0
#include "terminal.hpp"

#include <termios.h>
#include <unistd.h>

#include <mutex>
#include <optional>

namespace visor::cli {
namespace {

constexpr char escape_key = 0x1d;     // Ctrl-]
constexpr char interrupt_key = 0x03;  // Ctrl-C

std::mutex changed_mutex;
std::optional<termios> changed;  // how stdin was before a KeyMode that lives

}  // namespace

KeyMode::KeyMode(bool keep_interrupt) noexcept {
  termios mode{};
  if (::isatty(STDIN_FILENO) == 0 || ::tcgetpgrp(STDIN_FILENO) != ::getpgrp()) return;
  if (::tcgetattr(STDIN_FILENO, &mode) != 0) return;
  const auto before = mode;
  mode.c_iflag &= ~static_cast<tcflag_t>(BRKINT | ICRNL | IGNCR | INLCR | ISTRIP | IXON);
  mode.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | IEXTEN);
  if (!keep_interrupt) mode.c_lflag &= ~static_cast<tcflag_t>(ISIG);
  mode.c_cc[VQUIT] = _POSIX_VDISABLE;
  mode.c_cc[VSUSP] = _POSIX_VDISABLE;
  mode.c_cc[VMIN] = 1;
  mode.c_cc[VTIME] = 0;
  const std::scoped_lock lock{changed_mutex};
  if (::tcsetattr(STDIN_FILENO, TCSANOW, &mode) != 0) return;
  changed = before;
  active_ = true;
}

KeyMode::~KeyMode() {
  if (active_) restore_terminal();
}

void restore_terminal() noexcept {
  const std::scoped_lock lock{changed_mutex};
  if (changed) ::tcsetattr(STDIN_FILENO, TCSANOW, &*changed);
  changed.reset();
}

EscapeFilter::Result EscapeFilter::feed(std::string_view typed) {
  Result result;
  for (const char key : typed) {
    if (!escaped_) {
      escaped_ = key == escape_key;
      if (!escaped_) result.bytes += key;
      continue;
    }
    escaped_ = false;
    if (key == 'q' || key == '.') {
      result.leave = true;
      return result;
    }
    if (key == 'c') {
      result.bytes += interrupt_key;
    } else {
      if (key != escape_key) result.bytes += escape_key;
      result.bytes += key;
    }
  }
  return result;
}

}  // namespace visor::cli
