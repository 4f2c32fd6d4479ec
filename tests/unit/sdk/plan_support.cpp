// SPDX-License-Identifier: Apache-2.0
#include "plan_support.hpp"

#include "visor/core/error.hpp"

#include <map>

namespace visor::sdk::plan {

VmConfig base(const std::string& machine) {
  VmConfig config;
  config.machine.type = machine;
  config.cpu.count = 2;
  config.cpu.max_count = 4;
  config.memory.size_mib = 512;
  config.boot.kernel = "/k/vmlinuz";
  config.boot.initrd = "/k/initrd";
  config.boot.image_attachment = ImageAttachment::block;
  return config;
}

Plan plan_of(const std::string& name, const VmConfig& config, Accelerator accelerator, const QemuCaps& caps) {
  const auto& arch = test::arch_of(name);
  const HostFacts host{.arch = accelerator == Accelerator::kvm ? name : "amd64",
                       .memory_mib = 8192,
                       .cpus = 4,
                       .cpu_khz = 2'000'000,
                       .kvm = true,
                       .vhost_net = true};
  static const std::map<std::string, FileFacts> files = {{"/i/root.img", {.size_bytes = 64U << 20U}},
                                                         {"/i/dax.img", {.size_bytes = 66U << 20U, .dax_header = true}},
                                                         {"/dev/sdz", {.size_bytes = 1U << 20U, .block_device = true}}};
  const auto chosen = with_choices_made(arch, {config, accelerator, host, caps}, files);
  return make_plan(
      {chosen, arch, host, caps, accelerator, "vm0", "/run/vm0", "11111111-2222-4333-8444-555555555555", files});
}

std::string refusal_of(const std::string& arch, const std::string& machine,
                       const std::function<void(VmConfig&)>& change) {
  auto config = base(machine);
  change(config);
  try {
    (void)plan_of(arch, config);
  } catch (const Error& error) {
    return std::string{to_string(error.code())} + ": " + error.message();
  }
  return "accepted";
}

std::vector<std::string> values(const Plan& plan, const std::string& option, const std::string& begin) {
  std::vector<std::string> found;
  for (const auto& argument : plan.line.arguments()) {
    if (argument.option == option && argument.value.starts_with(begin)) found.push_back(argument.value);
  }
  return found;
}

std::string refusal(const std::vector<DeviceConfig>& devices, const std::string& machine, const std::string& arch) {
  return refusal_of(arch, machine, [&](auto& config) { config.devices = devices; });
}

VmConfig with(const std::vector<DeviceConfig>& devices) {
  auto config = base("q35");
  config.devices = devices;
  return config;
}

}  // namespace visor::sdk::plan
