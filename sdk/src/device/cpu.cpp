// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/cpu.hpp"

#include "check.hpp"

namespace visor::sdk {

CpuDevice CpuDevice::from_entry(const Value& entry, std::string id) {
  CpuDevice cpu{.id = std::move(id), .driver = entry.at("type").as_string()};
  if (const auto* const path = entry.find("qom-path")) {
    throw Error(Errc::invalid_state, "CPU '" + cpu.id + "': it is there already, as " + path->as_string());
  }
  for (const auto& [name, value] : entry.at("props").as_map()) cpu.props.emplace_back(name, value.as_uint());
  return cpu;
}

void CpuDevice::validate() const {
  check_id("CPU", id);
  if (driver.empty()) refuse("CPU", id, "no driver");
  if (props.empty()) refuse("CPU", id, "nothing says where it goes");
}

PropertyBag CpuDevice::properties() const {
  auto bag = PropertyBag::device(driver).set("id", id);
  for (const auto& [name, value] : props) bag.set(name, value);
  return bag;
}

void CpuDevice::render(CommandLine& line) const { line.add("-device", properties()); }

}  // namespace visor::sdk
