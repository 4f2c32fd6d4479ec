// SPDX-License-Identifier: Apache-2.0
#include "matrix.hpp"

#include "output.hpp"
#include "visor/runtime/log_sink.hpp"

#include <algorithm>
#include <vector>

namespace visor::cli {
namespace {

/// What a feature depends on beside the machine is there.
VmConfig with_everything(const std::string& machine) {
  VmConfig config;
  config.machine.type = machine;
  config.memory.size_mib = 1024;
  config.memory.max_size_mib = 2048;
  config.cpu.max_count = 4;
  config.ready.port = "ready";
  config.devices = {SerialPortConfig{.id = "ready", .name = "ready"}, BalloonConfig{.id = "balloon"}};
  return config;
}

Value features_of(const Hypervisor& hypervisor, const std::string& machine) {
  const auto capabilities = hypervisor.capabilities(with_everything(machine));
  auto features = Value::map();
  for (std::size_t i = 0; i < static_cast<std::size_t>(Feature::count_); ++i) {
    const auto feature = static_cast<Feature>(i);
    features.set(to_string(feature), capabilities.has(feature) ? Value{true} : Value{capabilities.reason(feature)});
  }
  return features;
}

}  // namespace

Value matrix_of(const Hypervisor& hypervisor) {
  auto machines = hypervisor.info().machines;
  if (machines.empty()) machines.emplace_back();
  auto matrix = Value::map();
  for (const auto& machine : machines) {
    matrix.set(machine.empty() ? "any" : machine, features_of(hypervisor, machine));
  }
  return matrix;
}

std::string matrix_text(const Value& matrix) {
  const auto& machines = matrix.as_map();
  std::vector<Row> rows(1, Row{"FEATURE"});
  std::vector<std::string> reasons;
  for (const auto& [machine, features] : machines) rows.front().push_back(printable(machine));
  for (std::size_t i = 0; i < static_cast<std::size_t>(Feature::count_); ++i) {
    const auto name = to_string(static_cast<Feature>(i));
    Row row{std::string{name}};
    for (const auto& [machine, features] : machines) {
      const auto& answer = features.at(name);
      row.emplace_back(answer.is_string() ? "no" : "yes");
      if (!answer.is_string()) continue;
      auto reason = printable(answer.as_string());
      if (std::ranges::find(reasons, reason) == reasons.end()) reasons.push_back(reason);
      row.back() += " (" + std::to_string(std::ranges::find(reasons, reason) - reasons.begin() + 1) + ")";
    }
    rows.push_back(std::move(row));
  }
  auto text = table(rows);
  for (std::size_t i = 0; i < reasons.size(); ++i) text += "(" + std::to_string(i + 1) + ") " + reasons[i] + "\n";
  return text;
}

}  // namespace visor::cli
