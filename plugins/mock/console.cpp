// SPDX-License-Identifier: Apache-2.0
#include "console.hpp"

#include "visor/core/error.hpp"

#include <algorithm>
#include <utility>

namespace visor::mock {
namespace {

/// What a guest that does not read lets pile up; as small as a real port's buffer.
constexpr std::size_t input_capacity = 4096;

bool takes_input(const Machine& machine) {
  return !machine.live() || machine.state == VmState::running || machine.console.input.size() < input_capacity;
}

}  // namespace

MockConsole::MockConsole(std::shared_ptr<Handle> handle) : handle_{std::move(handle)} {}

std::size_t MockConsole::read(char* buffer, std::size_t size, const CallContext& call) {
  if (size == 0) throw Error(Errc::invalid_config, "A console cannot be read into no bytes");
  std::size_t count = 0;
  handle_->wait(call, "console output", [&](const Machine& machine) {
    count = take(machine.console, buffer, size);
    return count > 0 || machine.ended();
  });
  return count;
}

std::size_t MockConsole::take(const ConsoleText& console, char* buffer, std::size_t size) {
  const std::scoped_lock lock{mutex_};
  position_ = std::max(position_, console.dropped);
  const auto end = console.dropped + console.text.size();
  if (position_ >= end) return 0;
  const auto count = console.text.copy(buffer, size, position_ - console.dropped);
  position_ += count;
  return count;
}

void MockConsole::write(std::string_view bytes, const CallContext& call) {
  while (!bytes.empty()) {
    handle_->wait(call, "the guest to read its console", takes_input);
    handle_->change("console", call, [&](Machine& machine, const Now&) {
      if (!machine.live())
        throw Error(Errc::disconnected, "VM " + machine.record.id + " is " + std::string{to_string(machine.state)} +
                                            ": nobody reads its console");
      const auto room = machine.state == VmState::running
                            ? bytes.size()
                            : input_capacity - std::min(input_capacity, machine.console.input.size());
      const auto part = bytes.substr(0, room);
      machine.write_console(part);
      bytes.remove_prefix(part.size());
    });
  }
}

}  // namespace visor::mock
