// SPDX-License-Identifier: Apache-2.0
#include "guard.hpp"

namespace visor::detail {
namespace {

class GuardedVm final : public Vm {
 public:
  explicit GuardedVm(HeldPtr<Vm> held) noexcept : held_{std::move(held)} {}

  [[nodiscard]] std::string id() const override { return held_->call("Vm::id", &Vm::id); }
  [[nodiscard]] VmConfig config() const override { return held_->call("Vm::config", &Vm::config); }
  [[nodiscard]] Capabilities capabilities() const override {
    return held_->call("Vm::capabilities", &Vm::capabilities);
  }
  [[nodiscard]] VmRecord record() const override { return held_->call("Vm::record", &Vm::record); }
  void add_device(const DeviceConfig& device) override { held_->call("Vm::add_device", &Vm::add_device, device); }

  void start(bool start_paused, const CallContext& call) override {
    constexpr void (Vm::*method)(bool, const CallContext&) = &Vm::start;
    held_->call("Vm::start", method, start_paused, call);
  }
  void wait_ready(const CallContext& call) override { held_->call("Vm::wait_ready", &Vm::wait_ready, call); }
  ExitRecord wait_exit(const CallContext& call) override { return held_->call("Vm::wait_exit", &Vm::wait_exit, call); }
  StopResult stop(const StopOptions& options, const CallContext& call) override {
    return held_->call("Vm::stop", &Vm::stop, options, call);
  }
  void pause(const CallContext& call) override { held_->call("Vm::pause", &Vm::pause, call); }
  void resume(const CallContext& call) override { held_->call("Vm::resume", &Vm::resume, call); }

  HotplugResult hotplug_add(const DeviceConfig& device, const CallContext& call) override {
    return held_->call("Vm::hotplug_add", &Vm::hotplug_add, device, call);
  }
  UnplugOutcome hotplug_remove(std::string_view device_id, const CallContext& call) override {
    return held_->call("Vm::hotplug_remove", &Vm::hotplug_remove, device_id, call);
  }
  MemoryResize resize_memory(std::uint64_t target_mib, std::uint64_t block_mib, const CallContext& call) override {
    return held_->call("Vm::resize_memory", &Vm::resize_memory, target_mib, block_mib, call);
  }
  VcpuResize resize_vcpus(std::uint32_t target, const CallContext& call) override {
    return held_->call("Vm::resize_vcpus", &Vm::resize_vcpus, target, call);
  }

  std::unique_ptr<Console> console(const CallContext& call) override {
    return guard_console(
        hold<Console>(held_->origin(), held_, "Vm::console", held_->call("Vm::console", &Vm::console, call)));
  }
  // Without the VM as parent: a subscriber that is left over must not keep the handle attached.
  std::shared_ptr<EventQueue> events() override {
    return keep_library(
        hold<EventQueue>(held_->origin(), nullptr, "Vm::events", held_->call("Vm::events", &Vm::events)));
  }

  VmStatus status(const CallContext& call) override { return held_->call("Vm::status", &Vm::status, call); }
  void check(const CallContext& call) override { held_->call("Vm::check", &Vm::check, call); }
  std::vector<VcpuThread> thread_ids(const CallContext& call) override {
    return held_->call("Vm::thread_ids", &Vm::thread_ids, call);
  }
  [[nodiscard]] std::vector<std::int32_t> pids() const override { return held_->call("Vm::pids", &Vm::pids); }
  void disconnect() override { held_->call("Vm::disconnect", &Vm::disconnect); }
  std::shared_ptr<Extension> extension(std::string_view id) override {
    return guard_extension(held_->origin(), held_, id, held_->call("Vm::extension", &Vm::extension, id));
  }

 private:
  HeldPtr<Vm> held_;
};

class GuardedConsole final : public Console {
 public:
  explicit GuardedConsole(HeldPtr<Console> held) noexcept : held_{std::move(held)} {}

  std::size_t read(char* buffer, std::size_t size, const CallContext& call) override {
    return held_->call("Console::read", &Console::read, buffer, size, call);
  }
  void write(std::string_view bytes, const CallContext& call) override {
    held_->call("Console::write", &Console::write, bytes, call);
  }
  [[nodiscard]] int poll_fd() const noexcept override { return held_->get()->poll_fd(); }

 private:
  HeldPtr<Console> held_;
};

}  // namespace

std::unique_ptr<Vm> guard_vm(HeldPtr<Vm> vm) { return std::make_unique<GuardedVm>(std::move(vm)); }

std::unique_ptr<Console> guard_console(HeldPtr<Console> console) {
  return std::make_unique<GuardedConsole>(std::move(console));
}

}  // namespace visor::detail
