// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/cpu.hpp"

#include "table.hpp"
#include "visor/core/error.hpp"

namespace visor::sdk {

CpuDevice CpuDevice::from_entry(const Value& entry, std::string id) {
  CpuDevice cpu{.id = std::move(id), .driver = entry.at("type").as_string()};
  if (const auto* const path = entry.find("qom-path")) {
    throw Error(Errc::invalid_state, "CPU '" + cpu.id + "': it is there already, as " + path->as_string());
  }
  for (const auto& [name, value] : entry.at("props").as_map()) cpu.props.emplace_back(name, value.as_uint());
  return cpu;
}

const DeviceTable& CpuDevice::describe() {
  using D = CpuDevice;
  static const DeviceTable table = TableBuilder<D>("CpuDevice", "CPU", "A vCPU, or a core of them, to be plugged.")
                                       .is("")
                                       .with({
                                           id_field<&D::id>(),
                                           field<&D::driver>("driver", "", "QEMU's type of it.").needed(),
                                       });
  return table;
}

void CpuDevice::validate() const {
  check_fields(describe(), this);
  if (!is_property_name(driver)) refuse_device(describe(), this, "'" + driver + "' is no name of a type");
  if (props.empty()) refuse_device(describe(), this, "nothing says where it goes");
}

// Which properties there are is what QEMU lists: no table has them.
PropertyBag CpuDevice::properties() const {
  auto bag = PropertyBag::device(driver).set("id", id);
  for (const auto& [name, value] : props) bag.set(name, value);
  return bag;
}

void CpuDevice::render(CommandLine& line) const { line.add("-device", properties()); }

}  // namespace visor::sdk
