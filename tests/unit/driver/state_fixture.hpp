// SPDX-License-Identifier: Apache-2.0
// VMs whose state is saved, restored, cloned and sent, on the program that stands in for QEMU.
#pragma once
#include "fixture.hpp"
#include "visor/core/extensions.hpp"
#include "visor/core/unique_fd.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace visor::sdk {

/// Both ends of a connection.
struct Ends {
  Ends() {
    std::array<int, 2> both{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both.data()), 0);
    from.reset(both[0]);
    to.reset(both[1]);
  }
  UniqueFd from;
  UniqueFd to;
};

class StateDriverTest : public DriverTest {
 protected:
  void SetUp() override {
    DriverTest::SetUp();
    memory_dir_ = "/dev/shm/visor-driver-" + std::to_string(::getpid());
    std::filesystem::create_directory(memory_dir_);
  }
  void TearDown() override {
    DriverTest::TearDown();
    std::filesystem::remove_all(memory_dir_);
  }

  template <class Wanted, class Owner>
  static std::shared_ptr<Wanted> get(Owner& owner) {
    return std::dynamic_pointer_cast<Wanted>(owner.extension(Wanted::id));
  }
  static void save(Vm& vm, const std::filesystem::path& folder, const CallContext& call = limit) {
    get<SnapshotExtension>(vm)->save(folder, call);
  }
  static MigrationResult send(Vm& vm, int fd, const CallContext& call = limit) {
    return get<MigrationExtension>(vm)->send(fd, {}, call);
  }

  [[nodiscard]] std::filesystem::path folder(const std::string& name) const { return run_dir().parent_path() / name; }
  [[nodiscard]] std::filesystem::path make_folder(const std::string& name) const {
    std::filesystem::create_directory(folder(name));
    std::filesystem::permissions(folder(name), std::filesystem::perms::owner_all);
    return folder(name);
  }
  static std::set<std::string> entries(const std::filesystem::path& folder) {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{folder}) names.insert(entry.path().filename());
    return names;
  }
  /// A VM of the saved one, in a folder of its own.
  std::unique_ptr<Vm> restored(const std::filesystem::path& saved, const std::string& id = "back") {
    return get<RestoreExtension>(hypervisor())->restore(saved, id, make_folder(id), false, limit);
  }
  std::unique_ptr<Vm> created(const VmConfig& config, const std::string& id) {
    return hypervisor().create(config, id, make_folder(id));
  }
  [[nodiscard]] VmConfig template_config(bool to_be) const {
    auto config = this->config();
    config.vm_template = {
        .to_be = to_be, .from = !to_be, .memory_path = memory_dir_ / "memory", .state_path = folder("template-state")};
    return config;
  }
  [[nodiscard]] const std::filesystem::path& memory_dir() const { return memory_dir_; }

  /// A live QEMU does as these words say from now on.
  void change_words(const Vm& vm, const std::vector<std::string>& words) const {
    set_words(words);
    ::kill(vm.record().hypervisor.pid, SIGUSR1);
  }

 private:
  std::filesystem::path memory_dir_;
};

}  // namespace visor::sdk
