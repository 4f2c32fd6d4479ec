// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "mock/machine.hpp"

#include "visor/core/error.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace visor::mock {

/// A machine that was made with these options; its clock stands at 0.
inline Machine a_machine(Params options = {}, VmConfig config = {}) {
  config.cpu.count = 1;
  config.cpu.max_count = 4;
  config.memory.size_mib = 256;
  config.memory.max_size_mib = 1024;
  VmRecord record;
  record.id = "m";
  record.plugin = "mock";
  record.config = std::move(config);
  return make_machine(std::move(record), parse_options(options));
}

/// The world this many milliseconds after its beginning.
inline Now at_ms(std::int64_t ms) {
  Now now;
  now.steady = std::chrono::milliseconds{ms};
  now.wall = std::chrono::system_clock::time_point{std::chrono::milliseconds{ms}};
  return now;
}

inline std::string kinds(const Machine& machine) {
  std::string all;
  for (const auto& event : machine.journal.entries) all += (all.empty() ? "" : " ") + event.name;
  return all;
}

/// The code of the Error that a call throws; Errc{} when it throws none.
template <class Call>
Errc code_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return Errc{};
}

}  // namespace visor::mock
