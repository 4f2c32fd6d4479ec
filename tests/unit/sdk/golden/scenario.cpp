// SPDX-License-Identifier: Apache-2.0
#include "scenario.hpp"

#include "visor/core/error.hpp"

namespace visor::sdk::plan::golden {

std::span<const Machine> machines() {
  static const Machine all[] = {
      {"amd64", "q35", "qemu64", {"-svm", "+aes"}, "smm=off", "virtio-rng-pci"},
      {"amd64", "pc", "qemu64", {"-svm", "+aes"}, "smm=off", "virtio-rng-pci"},
      {"amd64", "microvm", "qemu64", {"-svm", "+aes"}, "pic=off", "virtio-rng-device"},
      {"arm64", "virt", "max", {"pauth-impdef=on"}, "gic-version=2", "virtio-rng-pci"},
      {"ppc64le", "pseries", "power8", {}, "cap-htm=off", "virtio-rng-pci"},
      {"s390x", "s390-ccw-virtio", "max", {"vx=off", "vxeh=off"}, "aes-key-wrap=off", "virtio-rng-ccw"},
  };
  return all;
}

std::vector<Scenario> scenarios() {
  std::vector<Scenario> all;
  for (const auto part : {machine_scenarios(), disk_scenarios(), device_scenarios()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

Outcome outcome_of(const Machine& machine, const Scenario& scenario, const QemuCaps& caps) {
  auto config = base(machine.type);
  scenario.change(config, machine);
  try {
    return {.plan = plan_of(machine.arch, config, scenario.accelerator, caps), .refusal = {}};
  } catch (const Error& error) {
    return {.plan = {}, .refusal = std::string{to_string(error.code())} + ": " + error.message()};
  }
}

}  // namespace visor::sdk::plan::golden
