// SPDX-License-Identifier: Apache-2.0
#include "plan.hpp"

#include "device_builder.hpp"
#include "visor/sdk/device/boot.hpp"
#include "visor/sdk/device/devices.hpp"
#include "visor/sdk/device/machine.hpp"
#include "visor/sdk/device/process.hpp"

#include <algorithm>
#include <array>

namespace visor::sdk::plan {
namespace {

constexpr int first_fd = 3;  // after stdin, stdout and stderr

/// What a watchdog does when it expires; empty without one. QEMU has one answer for all of a machine.
std::string watchdog_action(const VmConfig& config, Problems& problems) {
  static constexpr std::array words{"reset", "shutdown", "poweroff", "pause", "none"};
  std::string action;
  for (std::size_t i = 0; i < config.devices.size(); ++i) {
    const auto* const watchdog = std::get_if<WatchdogConfig>(&config.devices[i]);
    if (watchdog == nullptr) continue;
    if (!action.empty()) {
      problems.add(Errc::invalid_config, device_path(config, i) + ": a VM has at most one watchdog; leave one out");
    }
    action = words.at(static_cast<std::size_t>(watchdog->action));
  }
  return action;
}

void add_identity(const Input& input, Plan& plan) {
  plan.line.section("identity");
  plan.line.because("name");
  const auto& name = input.config.name;
  detail::add_of_section(
      plan, "name",
      Name{.guest = name.empty() ? input.id : name, .process = "qemu:" + input.id, .debug_threads = true});
  plan.line.because("each VM has its own");
  detail::add_of_section(plan, "uuid", ProcessSettings{.uuid = input.uuid});
}

void add_board(const Input& input, Plan& plan) {
  plan.line.because("machine");
  const auto& release = input.source.machine;
  Machine machine{.type = release.empty() ? input.machine_type() : release,
                  .accelerator = input.accelerator == Accelerator::kvm ? "kvm" : "tcg",
                  .memory_backend = detail::has_memory_object(input.config) ? detail::memory_object : ""};
  Params options;
  const auto option = [&](const auto& one) { options.push_back({one.key, one.value}); };
  std::ranges::for_each(input.arch.machine_options(input.arch_input()), option);
  std::ranges::for_each(deserialize_params(input.config.machine.options), option);
  machine.options = serialize_params(options, "=");
  detail::add_of_section(plan, "machine", machine);
}

void add_machine(const Input& input, Plan& plan) {
  const auto in = input.arch_input();
  plan.line.section("machine");
  add_board(input, plan);
  plan.line.because("cpu.model");
  detail::add_of_section(plan, "cpu", CpuModel{input.arch.cpu_model(in)});
  plan.line.because("cpu.count");
  const auto smp = input.arch.smp(in);
  detail::add_of_section(plan, "cpu",
                         Smp{.cpus = smp.cpus,
                             .max_cpus = smp.max_cpus,
                             .sockets = smp.sockets,
                             .cores = smp.cores,
                             .threads = smp.threads});
  plan.line.because("memory.size");
  const auto memory = input.arch.memory(in);
  detail::add_of_section(
      plan, "memory",
      GuestMemory{
          .size_mib = memory.size_mib, .max_mib = memory.max_mib, .slots = memory.max_mib != 0 ? memory.slots : 0});
}

/// Nothing that was not asked for, and a start that waits for the driver.
void add_bareness(CommandLine& line) {
  line.because("QEMU brings nothing along that was not asked for");
  Knobs{.no_user_config = true, .no_defaults = true}.render(line);
  line.plain("-display", "none");
  line.because("the driver lets the vCPUs run when all is connected");
  Knobs{.stopped = true}.render(line);
}

void add_policy(const Input& input, Plan& plan) {
  const auto& policy = input.config.policy;
  plan.line.because("policy");
  detail::add_of_section(plan, "policy",
                         Actions{.reboot = policy.on_reboot == RebootPolicy::stop ? "shutdown" : "reset",
                                 .shutdown = policy.on_shutdown == ShutdownPolicy::stop ? "poweroff" : "pause",
                                 .panic = policy.on_panic == PanicPolicy::stop ? "shutdown" : "pause",
                                 .watchdog = watchdog_action(input.config, plan.problems)});
}

void add_process(const Input& input, Plan& plan) {
  auto& line = plan.line;
  line.section("process");
  add_bareness(line);
  line.because("the state comes from another VM");
  if (input.source.incoming) Incoming{}.render(line);
  line.because("host.sandbox");
  if (input.config.host.sandbox) {
    detail::add_of_section(
        plan, "host",
        Sandbox{.obsolete = "deny", .elevate_privileges = "deny", .spawn = "deny", .resource_control = "deny"});
  }
  add_policy(input, plan);
  line.because("the guest's clock follows the host's");
  detail::add_of_section(plan, "clock", Rtc{.drift_fix = "slew"});
  line.because("a rule of the architecture");
  for (const auto& option : input.arch.globals(input.arch_input())) {
    line.add("-global", PropertyBag::keys().set(option.key, option.value));
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

std::string Input::machine_type() const {
  const auto& type = config.machine.type;
  return type.empty() ? std::string{arch.default_machine()} : type;
}

ArchInput Input::arch_input() const {
  const auto image = files.find(asset_path(config, AssetKind::image));
  return {config, accelerator, host, caps, image == files.end() ? 0 : image->second.size_bytes};
}

Plan make_plan(const Input& input) {
  Plan plan;
  plan.places = input.places;
  int next_fd = first_fd;
  const auto step = [&](const auto& call) { return plan.problems.gather(call); };
  step([&] { check_supported_fields(input.config); });
  const bool possible = step([&] { input.arch.validate(input.arch_input()); });
  // Without a machine nothing else has an answer; without one in this QEMU nothing else of this QEMU matters.
  if (!possible && !has_machine(input)) throw plan.problems.error();
  const bool there = possible && detail::check_machine(input, plan.problems);
  step([&] { add_identity(input, plan); });
  step([&] { add_machine(input, plan); });
  step([&] { detail::add_memory_object(input, plan); });
  step([&] { detail::add_memory_lock(input, plan); });
  step([&] { add_process(input, plan); });
  step([&] { add_monitors(input, plan, next_fd); });
  step([&] { detail::add_fixed_devices(input, plan, next_fd); });
  step([&] { detail::add_image(input, plan); });
  step([&] { detail::add_user_devices(input, plan, next_fd); });
  step([&] { detail::add_boot(input, plan); });
  step([&] { detail::note_addresses(input, plan); });
  if (there) detail::check_devices(input, plan);
  step([&] { add_users_own(input, plan); });
  plan.problems.throw_if_any();
  return plan;
}

}  // namespace visor::sdk::plan
