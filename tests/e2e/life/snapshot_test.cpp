// SPDX-License-Identifier: Apache-2.0
// Guests that are saved and go on later, and guests that begin as copies of one that was prepared.
#include "state.hpp"
#include "visor/core/file.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>

namespace visor::test {
namespace {

class Snapshot : public StateTest {
 protected:
  void TearDown() override {
    StateTest::TearDown();
    std::filesystem::remove_all(files_);
  }

  std::unique_ptr<Vm> restore(const std::filesystem::path& saved, const std::string& id) {
    const auto hypervisor = runtime_->hypervisor(config());
    const auto restoring = get<RestoreExtension>(*hypervisor);
    auto vm =
        make_vm(id, [&](const auto& folder) { return restoring->restore(saved, id, folder, false, state_limit); });
    EXPECT_EQ(vm->status(5s).state, VmState::created);
    vm->start(true, state_limit);
    return vm;
  }
  std::unique_ptr<Vm> clone(const VmConfig& config, const std::string& id) {
    const auto hypervisor = runtime_->hypervisor(config);
    const auto restoring = get<RestoreExtension>(*hypervisor);
    auto vm = make_vm(id, [&](const auto& folder) { return restoring->clone(config, id, folder, state_limit); });
    vm->start(true, state_limit);
    return vm;
  }

  /// A port, and a disk where the guest sees one come by itself.
  void plug_more(Vm& vm) {
    SerialPortConfig port;
    port.id = "late";
    port.name = "late";
    (void)vm.hotplug_add(port, 20s);
    if (is("ppc64le")) return;
    DiskConfig disk;
    disk.id = "disk";
    disk.path = (make_private_folder() / "disk").string();
    disk.serial = "late";
    std::ofstream{disk.path} << std::string(1 << 20U, 'x');
    (void)vm.hotplug_add(disk, 20s);
  }
  /// What the guest has of that, in the shell's own words.
  static std::string plugged(Agent& guest) {
    return guest.ask(
        "for file in /sys/class/virtio-ports/*/name /sys/block/vd?/serial; do [ ! -e $file ] || { read -r word <$file; "
        "[ \"$word\" != late ] || echo ${file%/*/*}; }; done");
  }
  [[nodiscard]] std::string all_plugged() const {
    return is("ppc64le") ? "/sys/class/virtio-ports" : "/sys/class/virtio-ports\n/sys/block";
  }

  [[nodiscard]] VmConfig template_config(bool to_be) const {
    auto config = this->config();
    config.vm_template = {
        .to_be = to_be, .from = !to_be, .memory_path = memory_.string(), .state_path = (files_ / "state").string()};
    return config;
  }

  std::filesystem::path files_ = "/dev/shm/visor-life-" + std::to_string(::getpid());  // memory is in memory
  std::filesystem::path memory_ = files_ / "memory";
};

std::set<std::string> entries(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator{folder}) names.insert(entry.path().filename());
  return names;
}

/// A file's content, as a number that another content hardly has.
std::size_t content(const std::filesystem::path& path) {
  return std::hash<std::string>{}(read_file(path, std::size_t{1} << 30U));
}

TEST_P(Snapshot, ASavedGuestGoesOnWhereItWas) {
  const auto saved = make_private_folder();
  const auto source = boot(with_nic());
  auto guest = agent();
  plug_more(*source);
  ASSERT_TRUE(eventually([&] { return plugged(guest) == all_plugged(); })) << plugged(guest);
  begin_counting(guest);
  leave_mark(guest);
  const auto face = this->face(guest);
  ASSERT_TRUE(counts_beyond(guest, 3));
  const auto before = count(guest);
  get<SnapshotExtension>(*source)->save(saved, state_limit);
  EXPECT_EQ(source->status(5s).state, VmState::running);
  EXPECT_TRUE(counts_beyond(guest, before)) << "where it was saved it goes on";
  EXPECT_EQ(entries(saved), (std::set<std::string>{"manifest.json", "state"}));
  const auto uuid = source->record().blob.at("uuid");
  guest.ask("echo later >/tmp/later");
  source->stop({.force = true}, 20s);

  const auto vm = restore(saved, "back");
  EXPECT_EQ(vm->status(5s).state, VmState::paused);
  EXPECT_EQ(vm->record().blob.at("uuid"), uuid);
  EXPECT_EQ(vm->config(), source->config());
  auto again = agent("back");  // before it runs: its port is then never without a host
  vm->resume(10s);
  expect_remembers(*vm);
  if (keeps_timers()) {
    EXPECT_EQ(this->face(again), face);
    EXPECT_EQ(plugged(again), all_plugged());
    const auto resumed_at = count(again);
    EXPECT_GE(resumed_at, before);
    EXPECT_EQ(line_of(again, "/tmp/later"), "") << "and not where the other one ended";
    EXPECT_TRUE(counts_beyond(again, resumed_at));
  }
  vm->stop({.force = true}, 20s);
  EXPECT_EQ(entries(saved), (std::set<std::string>{"manifest.json", "state"}));
}

TEST_P(Snapshot, ClonesOfATemplateShareNothingThatTheyWrite) {
  std::filesystem::create_directory(files_);
  {
    const auto original = boot(template_config(true));
    auto guest = agent();
    guest.ask("echo prepared >/tmp/who");
    leave_mark(guest);
    get<SnapshotExtension>(*original)->begin_template(state_limit);
    EXPECT_EQ(original->status(5s).state, VmState::stopped);
  }
  const auto memory = content(memory_);
  const auto state = content(files_ / "state");
  EXPECT_LT(std::filesystem::file_size(files_ / "state"), 16U << 20U) << "the memory is not in there";

  const auto one = clone(template_config(false), "one");
  const auto two = clone(template_config(false), "two");
  EXPECT_EQ(one->status(5s).state, VmState::paused);
  auto first = agent("one");
  auto second = agent("two");
  one->resume(10s);
  two->resume(10s);
  expect_remembers(*one);
  expect_remembers(*two);
  if (keeps_timers()) {
    EXPECT_EQ(line_of(first, "/tmp/who"), "prepared");
    first.ask("echo one >/tmp/who");
    first.ask("sleep 0.1; dd if=/dev/zero of=/tmp/fill bs=1M count=16 2>/dev/null");
    EXPECT_EQ(line_of(second, "/tmp/who"), "prepared");
    EXPECT_EQ(line_of(second, "/tmp/fill"), "");
    second.ask("echo two >/tmp/who");
    EXPECT_EQ(line_of(first, "/tmp/who"), "one");
  }
  one->stop({.force = true}, 20s);
  two->stop({.force = true}, 20s);
  EXPECT_EQ(content(memory_), memory);
  EXPECT_EQ(content(files_ / "state"), state);
}

VISOR_LIFE_ON(Snapshot, "amd64", "arm64", "ppc64le", "s390x");

}  // namespace
}  // namespace visor::test
