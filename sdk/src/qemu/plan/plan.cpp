// SPDX-License-Identifier: Apache-2.0
#include "plan.hpp"

#include "device_builder.hpp"
#include "visor/sdk/device/devices.hpp"

#include <algorithm>
#include <array>

namespace visor::sdk::plan {
namespace {

constexpr int first_fd = 3;  // after stdin, stdout and stderr

/// What a watchdog does when it expires; null without one. QEMU has one answer for all of a machine.
const char* watchdog_action(const VmConfig& config) {
  static constexpr std::array words{"reset", "shutdown", "poweroff", "pause", "none"};
  const char* action = nullptr;
  for (std::size_t i = 0; i < config.devices.size(); ++i) {
    const auto* const watchdog = std::get_if<WatchdogConfig>(&config.devices[i]);
    if (watchdog == nullptr) continue;
    if (action != nullptr) {
      throw Error(Errc::invalid_config,
                  "devices[" + std::to_string(i) + "]: a VM has at most one watchdog; leave one out");
    }
    action = words.at(static_cast<std::size_t>(watchdog->action));
  }
  return action;
}

void add_identity(const Input& input, CommandLine& line) {
  line.section("identity");
  line.because("name");
  const auto& name = input.config.name;
  line.add("-name", PropertyBag::keys()
                        .set("guest", name.empty() ? input.id : name)
                        .set("process", "qemu:" + input.id)
                        .set("debug-threads", true));
  line.because("each VM has its own");
  if (!input.uuid.empty()) line.plain("-uuid", input.uuid);
}

void add_machine(const Input& input, CommandLine& line) {
  const auto in = input.arch_input();
  const auto& type = input.config.machine.type;
  line.section("machine");
  line.because("machine");
  auto bag = PropertyBag::machine(type.empty() ? std::string{input.arch.default_machine()} : type);
  bag.set("accel", input.accelerator == Accelerator::kvm ? "kvm" : "tcg");
  if (detail::has_memory_object(input.config)) bag.set("memory-backend", detail::memory_object);
  for (const auto& option : input.arch.machine_options(in)) bag.set(option.key, option.value);
  for (const auto& option : deserialize_params(input.config.machine.options)) bag.set(option.key, option.value);
  line.add("-machine", bag);
  line.because("cpu.model");
  line.plain("-cpu", input.arch.cpu_model(in));
  line.because("cpu.count");
  const auto smp = input.arch.smp(in);
  line.add("-smp", PropertyBag::keys()
                       .set("cpus", std::uint64_t{smp.cpus})
                       .set("maxcpus", std::uint64_t{smp.max_cpus})
                       .set("sockets", std::uint64_t{smp.sockets})
                       .set("cores", std::uint64_t{smp.cores})
                       .set("threads", std::uint64_t{smp.threads}));
  line.because("memory.size");
  const auto memory = input.arch.memory(in);
  auto ram = PropertyBag::keys().set("size", std::to_string(memory.size_mib) + 'M');
  if (memory.max_mib != 0) {
    ram.set("slots", std::uint64_t{memory.slots}).set("maxmem", std::to_string(memory.max_mib) + 'M');
  }
  line.add("-m", ram);
}

void add_process(const Input& input, CommandLine& line) {
  line.section("process");
  line.because("QEMU brings nothing along that was not asked for");
  line.flag("-no-user-config");
  line.flag("-nodefaults");
  line.plain("-display", "none");
  line.because("the driver lets the vCPUs run when all is connected");
  line.flag("-S");
  line.because("host.sandbox");
  if (input.config.host.sandbox) {
    line.add("-sandbox", PropertyBag::keys()
                             .set("enable", true)
                             .set("obsolete", "deny")
                             .set("elevateprivileges", "deny")
                             .set("spawn", "deny")
                             .set("resourcecontrol", "deny"));
  }
  line.because("policy");
  const auto& policy = input.config.policy;
  auto action = PropertyBag::keys()
                    .set("reboot", policy.on_reboot == RebootPolicy::stop ? "shutdown" : "reset")
                    .set("shutdown", policy.on_shutdown == ShutdownPolicy::stop ? "poweroff" : "pause")
                    .set("panic", policy.on_panic == PanicPolicy::stop ? "shutdown" : "pause");
  if (const auto* const expired = watchdog_action(input.config)) action.set("watchdog", expired);
  line.add("-action", action);
  line.because("the guest's clock follows the host's");
  line.add("-rtc", PropertyBag::keys().set("base", "utc").set("clock", "host").set("driftfix", "slew"));
  line.because("a rule of the architecture");
  for (const auto& option : input.arch.globals(input.arch_input())) {
    line.add("-global", PropertyBag::keys().set(option.key, option.value));
  }
  // qemu: hw/virtio/virtio-pci.c; a device that speaks the old protocol as well has no way through an IOMMU.
  line.because("machine.iommu_platform");
  if (input.config.machine.iommu_platform && input.arch.buses(input.arch_input()).transport == VirtioTransport::pci) {
    line.add("-global", PropertyBag::keys().set("virtio-pci.disable-legacy", "on"));
  }
}

void add_monitor(CommandLine& line, const std::string& id, const Listener& listener) {
  const SocketChardev chardev{.id = id + "-chardev", .fd = listener.fd};
  chardev.render(line);
  Monitor{.id = id, .chardev = chardev.id}.render(line);
}

void add_monitors(const Input& input, Plan& plan, int& next_fd) {
  plan.line.section("monitors");
  const auto listener = [&](std::string_view name) { return Listener{next_fd++, (input.run_dir / name).string()}; };
  plan.line.because("the handle that owns the VM");
  add_monitor(plan.line, "visor-owner", plan.owner = listener(owner_socket));
  plan.line.because("read-only queries of other processes");
  add_monitor(plan.line, "visor-observer", plan.observer = listener(observer_socket));
  plan.line.because("the keeper's journal of events");
  add_monitor(plan.line, "visor-keeper", plan.keeper = listener(keeper_monitor_socket));
}

bool has_machine(const Input& input) {
  const auto& type = input.config.machine.type;
  const auto is_it = [&](const QemuMachine& machine) { return machine.type == type; };
  return type.empty() || std::ranges::any_of(input.arch.machines(), is_it);
}

void add_users_own(const Input& input, Plan& plan) {
  const auto& params = input.config.host.hypervisor_params;
  plan.customised |= !params.empty() || !input.config.machine.options.empty();
  plan.line.section("user");
  plan.line.because("host.hypervisor_params");
  for (const auto& param : params) {
    if (param.value.empty()) {
      plan.line.flag("-" + param.key);
    } else {
      plan.line.plain("-" + param.key, param.value);
    }
  }
}

}  // namespace

ArchInput Input::arch_input() const {
  const auto image = files.find(asset_path(config, AssetKind::image));
  return {config, accelerator, host, caps, image == files.end() ? 0 : image->second.size_bytes};
}

Plan make_plan(const Input& input) {
  Plan plan;
  int next_fd = first_fd;
  const auto step = [&](const auto& call) { return plan.problems.gather(call); };
  step([&] { check_supported_fields(input.config); });
  const bool possible = step([&] { input.arch.validate(input.arch_input()); });
  // Without a machine nothing else has an answer; without one in this QEMU nothing else of this QEMU matters.
  if (!possible && !has_machine(input)) throw plan.problems.error();
  const bool there = possible && detail::check_machine(input, plan.problems);
  step([&] { add_identity(input, plan.line); });
  step([&] { add_machine(input, plan.line); });
  step([&] { detail::add_memory_object(input, plan); });
  step([&] { detail::add_memory_lock(input, plan); });
  step([&] { add_process(input, plan.line); });
  step([&] { add_monitors(input, plan, next_fd); });
  step([&] { detail::add_fixed_devices(input, plan, next_fd); });
  step([&] { detail::add_image(input, plan); });
  step([&] { detail::add_user_devices(input, plan, next_fd); });
  step([&] { detail::add_boot(input, plan); });
  if (there) detail::check_devices(input, plan);
  step([&] { add_users_own(input, plan); });
  plan.problems.throw_if_any();
  return plan;
}

}  // namespace visor::sdk::plan
