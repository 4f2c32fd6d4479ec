// SPDX-License-Identifier: Apache-2.0
// What the tests share that move a guest's state.
#pragma once
#include "life.hpp"
#include "support/error_of.hpp"
#include "visor/core/error.hpp"
#include "visor/core/extensions.hpp"
#include "visor/core/file.hpp"

#include <unistd.h>

#include <memory>
#include <string>

namespace visor::test {

/// How long a state may take to be written or loaded.
inline constexpr std::chrono::milliseconds state_limit = 60s;

class StateTest : public LifeTest {
 protected:
  /// QEMU 7.2 emulating ppc64le: no timer of a guest fires any more after its state was loaded; on s390x that happens
  /// on a busy host. What is in memory is there; a program hangs as soon as the kernel waits for anything.
  [[nodiscard]] bool keeps_timers() const { return !is("ppc64le") && !is("s390x"); }

  /// With a network card, whose address follows from the VM's UUID.
  [[nodiscard]] VmConfig with_nic() const {
    auto config = this->config();
    NicConfig nic;
    nic.id = "net";
    nic.backend = NicBackend::user;
    config.devices.emplace_back(nic);
    return config;
  }

  template <class Wanted, class Owner>
  static std::shared_ptr<Wanted> get(Owner& owner) {
    auto extension = std::dynamic_pointer_cast<Wanted>(owner.extension(Wanted::id));
    EXPECT_NE(extension, nullptr) << Wanted::id;
    return extension;
  }

  /// Writes into the guest's memory what no other guest has there.
  static void leave_mark(Agent& guest) { guest.ask("echo visor-mark-" + mark() + " >/tmp/mark"); }
  static std::string mark() { return std::to_string(::getpid()); }
  /// Whether that is in the memory of this VM, as a dump of it shows.
  bool has_mark(Vm& vm) {
    const auto file = make_private_folder() / "memory";
    get<DumpExtension>(vm)->dump(file, DumpFormat::elf, false, state_limit);
    const auto text = read_file(file, std::size_t{2} << 30U);
    return text.find("visor-mark-" + mark() + "\n") != std::string::npos;
  }
  /// The VM runs with the memory that it had.
  void expect_remembers(Vm& vm) {
    EXPECT_EQ(vm.status(5s).state, VmState::running);
    EXPECT_TRUE(has_mark(vm));
  }

  /// A process of the guest that counts ten times a second.
  static void begin_counting(Agent& guest) {
    guest.ask(
        "(i=0; while :; do i=$((i+1)); echo $i >/tmp/count.new; mv /tmp/count.new /tmp/count; sleep 0.1; done) &");
  }
  /// The first line of a file. The shell itself reads it: a guest whose timers are dead may not get a program loaded.
  static std::string line_of(Agent& guest, const std::string& path) {
    return guest.ask("line=; [ ! -e " + path + " ] || read -r line <" + path + "; echo \"$line\"");
  }
  static int count(Agent& guest) {
    const auto text = line_of(guest, "/tmp/count");
    return text.empty() ? 0 : std::stoi(text);
  }
  /// Waits until it has counted on; false when it does not.
  static bool counts_beyond(Agent& guest, int before) {
    return eventually([&] { return count(guest) > before; });
  }
  /// What tells a guest from any other.
  static std::string face(Agent& guest) {
    return line_of(guest, "/sys/class/net/eth0/address") + " " + line_of(guest, "/proc/sys/kernel/random/boot_id");
  }

  void TearDown() override {
    LifeTest::TearDown();
    for (const auto& folder : folders_) std::filesystem::remove_all(folder);
  }

  /// Outside of the run folder, where only VMs are.
  std::filesystem::path make_private_folder() {
    std::string name = "/tmp/visor-saved-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folders_.emplace_back(name);
    return name;
  }

  /// A VM that a hypervisor's extension makes in a new folder of the store.
  template <class Make>
  std::unique_ptr<Vm> make_vm(const std::string& id, const Make& make) {
    auto folder = runtime_->store().create(id);
    auto vm = make(folder.path());
    folder.keep();
    return vm;
  }

 private:
  std::vector<std::filesystem::path> folders_;
};

}  // namespace visor::test
