// SPDX-License-Identifier: Apache-2.0
// Saving and restoring, templates and their clones, and moving.
#include "state_fixture.hpp"
#include "visor/core/file.hpp"
#include "visor/core/json.hpp"
#include "visor/core/vm_record.hpp"
#include "visor/sdk/device/addresses.hpp"

#include <fstream>
#include <future>

namespace visor::sdk {
namespace {

using SaveTest = StateDriverTest;
using TemplateTest = StateDriverTest;
using MoveTest = StateDriverTest;

TEST_F(SaveTest, LeavesTheVmAsItWasAndAWholeFolder) {
  const auto vm = start();
  save(*vm, make_folder("saved"));
  EXPECT_EQ(vm->status(limit).state, VmState::running);
  EXPECT_EQ(entries(folder("saved")), (std::set<std::string>{"manifest.json", "state"}));
  const auto manifest = parse_json(read_file(folder("saved") / "manifest.json"));
  EXPECT_EQ(manifest.at("plugin"), Value{"qemu-amd64"});
  EXPECT_EQ(manifest.at("machine"), Value{"pc-q35-7.2"});
  EXPECT_EQ(manifest.at("accelerator"), Value{"tcg"});
  EXPECT_EQ(manifest.at("uuid"), vm->record().blob.at("uuid"));
  EXPECT_EQ(manifest.at("ran"), Value{true});
  EXPECT_EQ(std::filesystem::status(folder("saved") / "state").permissions() & std::filesystem::perms::mask,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  save(*vm, make_folder("again"));
  vm->stop({.force = true}, limit);
}

TEST_F(SaveTest, APausedVmStaysPausedAndIsSavedOnce) {
  const auto vm = start();
  vm->pause(limit);
  save(*vm, make_folder("saved"));
  EXPECT_EQ(vm->status(limit).state, VmState::paused);
  const auto error = error_of([&] { save(*vm, make_folder("again")); });
  EXPECT_EQ(to_string(error.code()), "invalid_state") << error.message();
  EXPECT_TRUE(entries(folder("again")).empty());
  vm->resume(limit);
  save(*vm, folder("again"));
  vm->stop({.force = true}, limit);
}

TEST_F(SaveTest, TakesOnlyAnEmptyFolderThatIsPrivate) {
  const auto vm = start();
  const auto code = [&](const std::filesystem::path& target) {
    return std::string{to_string(error_of([&] { save(*vm, target); }).code())};
  };
  EXPECT_EQ(code(folder("nowhere")), "not_found");
  EXPECT_EQ(code(folder("kernel")), "invalid_config");
  const auto open = make_folder("open");
  std::filesystem::permissions(open, std::filesystem::perms::others_exec, std::filesystem::perm_options::add);
  EXPECT_EQ(code(open), "permission_denied");
  const auto full = make_folder("full");
  std::ofstream{full / "file"} << "x";
  EXPECT_EQ(code(full), "invalid_config");
  EXPECT_EQ(entries(full), std::set<std::string>{"file"});
  vm->stop({.force = true}, limit);
}

TEST_F(SaveTest, SaysWhatStandsInItsWayBeforeTheGuestStandsStill) {
  const auto vm = start({"blocked=the folder 'tag' is mounted"});
  const auto events = vm->events();
  const auto error = error_of([&] { save(*vm, make_folder("saved")); });
  EXPECT_EQ(to_string(error.code()), "unsupported");
  EXPECT_NE(error.message().find("the folder 'tag' is mounted"), std::string::npos) << error.message();
  EXPECT_FALSE(events->try_next());
  EXPECT_TRUE(entries(folder("saved")).empty());
  vm->stop({.force = true}, limit);
}

TEST_F(SaveTest, ARestoredVmIsTheSameToItsGuest) {
  const auto vm = start();
  save(*vm, make_folder("saved"));
  vm->stop({.force = true}, limit);
  const auto back = restored(folder("saved"));
  EXPECT_EQ(back->status(limit).state, VmState::created);
  EXPECT_EQ(back->config(), vm->config());
  back->start(true, limit);
  EXPECT_EQ(back->status(limit).state, VmState::paused);
  EXPECT_EQ(back->record().blob.at("uuid"), vm->record().blob.at("uuid"));
  EXPECT_EQ(back->record().blob.at("machine"), Value{"pc-q35-7.2"});
  back->resume(limit);
  save(*back, make_folder("again"));
  back->stop({.force = true}, limit);
}

/// A device that came while the VM ran is where it was, and what came along with it, too.
TEST_F(SaveTest, PluggedDevicesComeBackToTheirPlaces) {
  const auto vm = start();
  SerialPortConfig port;
  port.id = "late";
  port.name = "late";
  (void)vm->hotplug_add(port, limit);
  NicConfig card;
  card.id = "gone";
  (void)vm->hotplug_add(card, limit);
  card.id = "card";
  (void)vm->hotplug_add(card, limit);
  ASSERT_EQ(to_string(vm->hotplug_remove("gone", limit)), "gone");
  save(*vm, make_folder("saved"));
  vm->stop({.force = true}, limit);
  const auto back = restored(folder("saved"));
  back->start(limit);
  EXPECT_EQ(back->config(), vm->config());
  EXPECT_EQ(back->record().blob.at("places"), vm->record().blob.at("places"));
  EXPECT_EQ(Addresses::from_value(back->record().blob.at("addresses")).free(AddressSpace::root_port),
            Addresses::from_value(vm->record().blob.at("addresses")).free(AddressSpace::root_port));
  EXPECT_EQ(to_string(back->hotplug_remove("card", limit)), "gone");
  save(*back, make_folder("again"));
  back->stop({.force = true}, limit);
}

TEST_F(SaveTest, AVmThatLostADeviceFromItsStartIsNotSaved) {
  const auto vm = create();
  DiskConfig disk;
  disk.id = "disk";
  disk.path = (folder("disk.img")).string();
  disk.bus = DiskBus::scsi;
  std::ofstream{disk.path} << "a disk";
  vm->add_device(disk);
  vm->start(limit);
  ASSERT_EQ(to_string(vm->hotplug_remove("disk", limit)), "gone");
  const auto error = error_of([&] { save(*vm, make_folder("saved")); });
  EXPECT_EQ(to_string(error.code()), "unsupported");
  EXPECT_NE(error.message().find("that was there from the start was unplugged"), std::string::npos) << error.message();
  vm->stop({.force = true}, limit);
}

/// The folder is all that it takes: whoever finds the VM later starts it just so.
TEST_F(SaveTest, AnotherHandleStartsARestoredVm) {
  const auto vm = start();
  save(*vm, make_folder("saved"));
  vm->stop({.force = true}, limit);
  (void)restored(folder("saved"));
  const auto found = hypervisor().attach(read_record(folder("back")), limit);
  found->start(limit);
  EXPECT_EQ(found->status(limit).state, VmState::running);
  EXPECT_EQ(found->record().blob.at("uuid"), vm->record().blob.at("uuid"));
  found->stop({.force = true}, limit);
}

TEST_F(SaveTest, WhatIsDamagedIsNotRestored) {
  const auto vm = start();
  save(*vm, make_folder("saved"));
  vm->stop({.force = true}, limit);
  const auto manifest = read_file(folder("saved") / "manifest.json");
  const auto state = read_file(folder("saved") / "state");
  int number = 0;
  const auto refusal = [&](const std::string& other_manifest, const std::string& other_state) {
    write_file_atomically(folder("saved") / "manifest.json", other_manifest);
    write_file_atomically(folder("saved") / "state", other_state);
    const auto id = "back" + std::to_string(++number);
    const auto error = error_of([&] { restored(folder("saved"), id)->start(limit); });
    return std::string{to_string(error.code())} + ": " + error.message();
  };
  const auto with = [&](std::string_view key, Value value) {
    return to_json(parse_json(manifest).set(key, std::move(value)));
  };
  const auto expect = [](const std::string& text, const std::string& begin, const std::string& part) {
    EXPECT_TRUE(text.starts_with(begin) && text.find(part) != std::string::npos) << text;
  };
  expect(refusal(with("format", "other"), state), "invalid_config", "does not begin as");
  expect(refusal(with("version", 2), state), "unsupported", "has version 2");
  expect(refusal("{", state), "invalid_config", "manifest.json");
  expect(refusal(with("plugin", "qemu-arm64"), state), "unsupported", "by plugin qemu-arm64");
  expect(refusal(with("qemu_version", "9.1.0"), state), "unsupported", "which is older");
  expect(refusal(with("machine", "pc-q35-9.1"), state), "unsupported", "pc-q35-9.1");
  expect(refusal(with("accelerator", "kvm"), state), "unsupported", "machine.accelerator");
  expect(refusal(manifest, state + "x"), "invalid_config", "was saved with");
  auto other = state;
  other[3] ^= 1;
  expect(refusal(manifest, other), "invalid_config", "is not what was saved");
  expect(refusal(with("files", Value::list({Value::map({{"path", "/no/disk"}, {"size_bytes", 1}})})), state),
         "not_found", "/no/disk");
  expect(refusal(with("files", Value::list({Value::map({{"path", folder("kernel").string()}, {"size_bytes", 1}})})),
                 state),
         "invalid_config", "when the VM was saved");
  std::filesystem::remove(folder("saved") / "manifest.json");
  const auto none = error_of([&] { (void)restored(folder("saved"), "none"); });
  EXPECT_EQ(to_string(none.code()), "not_found");
  EXPECT_TRUE(entries(folder("none")).empty()) << "nothing but the empty folder remains";
}

TEST_F(TemplateTest, BecomesTwoFilesAndItsClonesBeginThere) {
  const auto original = created(template_config(true), "original");
  original->start(limit);
  EXPECT_TRUE(std::filesystem::exists(memory_dir() / "memory"));
  get<SnapshotExtension>(*original)->begin_template(limit);
  EXPECT_EQ(original->status(limit).state, VmState::stopped);
  std::filesystem::resize_file(memory_dir() / "memory", 64U << 20U);  // what QEMU does
  const auto state = read_file(folder("template-state"));

  const auto restore = get<RestoreExtension>(hypervisor());
  for (const auto* id : {"one", "two"}) {
    const auto clone = restore->clone(template_config(false), id, make_folder(id), limit);
    clone->start(true, limit);
    EXPECT_EQ(clone->status(limit).state, VmState::paused);
    EXPECT_EQ(clone->record().blob.at("uuid"), original->record().blob.at("uuid"));
    clone->stop({.force = true}, limit);
  }
  EXPECT_EQ(read_file(folder("template-state")), state);
}

TEST_F(TemplateTest, RefusesWhatIsNone) {
  const auto plain = start();
  const auto error = error_of([&] { get<SnapshotExtension>(*plain)->begin_template(limit); });
  EXPECT_EQ(to_string(error.code()), "invalid_config") << error.message();
  plain->stop({.force = true}, limit);

  auto on_disk = template_config(true);
  on_disk.vm_template.memory_path = run_dir() / "memory";
  const auto disk = created(on_disk, "disk");
  const auto refused = error_of([&] { disk->start(limit); });
  EXPECT_EQ(to_string(refused.code()), "invalid_config") << refused.message();
  EXPECT_NE(refused.message().find("template.memory_path"), std::string::npos) << refused.message();

  std::ofstream{memory_dir() / "memory"} << "somebody else's";
  const auto taken = created(template_config(true), "taken");
  EXPECT_EQ(to_string(error_of([&] { taken->start(limit); }).code()), "already_exists");
  EXPECT_EQ(read_file(memory_dir() / "memory"), "somebody else's");

  const auto restore = get<RestoreExtension>(hypervisor());
  const auto small = error_of([&] { (void)restore->clone(template_config(false), "c", make_folder("c"), limit); });
  EXPECT_EQ(to_string(small.code()), "invalid_config") << small.message();
  EXPECT_TRUE(entries(folder("c")).empty());
  EXPECT_EQ(to_string(error_of([&] { (void)restore->clone(config(), "c", folder("c"), limit); }).code()),
            "invalid_config");
}

/// It would go on writing into the memory that others see.
TEST_F(TemplateTest, AStartThatFailsTakesItsMemoryFileAlong) {
  const auto original = created(template_config(true), "original");
  set_words({"qmp_capabilities=error"});
  (void)error_of([&] { original->start(limit); });
  EXPECT_FALSE(std::filesystem::exists(memory_dir() / "memory"));
  set_words({});
  original->start(limit);
  const auto unsavable = error_of([&] { save(*original, make_folder("saved")); });
  EXPECT_EQ(to_string(unsavable.code()), "unsupported") << unsavable.message();
  original->stop({.force = true}, limit);
}

/// What prepare_incoming() throws, on a thread of its own.
std::future<std::string> receive(Vm& vm, int fd) {
  return std::async(std::launch::async, [&vm, fd] {
    try {
      std::dynamic_pointer_cast<MigrationExtension>(vm.extension(MigrationExtension::id))->prepare_incoming(fd, limit);
      return std::string{"received"};
    } catch (const Error& error) {
      return std::string{to_string(error.code())} + ": " + error.message();
    }
  });
}

TEST_F(MoveTest, GoesFromOneToTheOther) {
  const auto vm = start();
  const auto target = created(config(), "target");
  const Ends ends;
  auto received = receive(*target, ends.to.get());
  (void)send(*vm, ends.from.get());
  EXPECT_EQ(received.get(), "received");
  EXPECT_EQ(target->status(limit).state, VmState::paused);
  EXPECT_EQ(target->record().blob.at("uuid"), vm->record().blob.at("uuid"));
  target->resume(limit);

  const auto status = vm->status(limit);
  EXPECT_EQ(status.state, VmState::paused);
  EXPECT_EQ(status.detail, "postmigrate");
  const auto error = error_of([&] { vm->resume(limit); });
  EXPECT_EQ(to_string(error.code()), "invalid_state") << error.message();
  vm->disconnect();
  const auto other = hypervisor().attach(read_record(run_dir()), limit);
  EXPECT_EQ(to_string(error_of([&] { other->resume(limit); }).code()), "invalid_state") << "whoever holds it";
  EXPECT_EQ(other->status(limit).detail, "postmigrate");
  other->stop({.force = true}, limit);
  target->stop({.force = true}, limit);
}

TEST_F(MoveTest, AVmOfAnotherShapeIsRefusedByItsFields) {
  const auto vm = start();
  auto other = config();
  other.memory.size_mib = 128;
  RngConfig rng;
  rng.id = "r";
  other.devices.emplace_back(rng);
  const auto target = created(other, "target");
  const Ends ends;
  auto received = receive(*target, ends.to.get());
  // The fake sends all at once: what it sends nobody hears of any more.
  try {
    (void)send(*vm, ends.from.get());
  } catch (const Error&) {
    EXPECT_EQ(vm->status(limit).state, VmState::running);
  }
  const auto text = received.get();
  EXPECT_TRUE(text.starts_with("invalid_config: ")) << text;
  EXPECT_NE(text.find("memory.size: the state is of a VM with 64MiB, this one has 128MiB"), std::string::npos) << text;
  EXPECT_NE(text.find("devices[0]: the state is of a VM with none, this one has rng 'r'"), std::string::npos) << text;
  EXPECT_EQ(target->status(limit).state, VmState::created);
  vm->stop({.force = true}, limit);
}

TEST_F(MoveTest, AStreamThatIsNoneOrEndsEarlyLeavesTheVmCreated) {
  const auto target = created(config(), "target");
  {
    const Ends ends;
    EXPECT_EQ(::send(ends.from.get(), "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL), 18);
    EXPECT_TRUE(receive(*target, ends.to.get()).get().starts_with("invalid_config: "));
  }
  Ends ends;
  ends.from.reset();
  EXPECT_TRUE(receive(*target, ends.to.get()).get().starts_with("io_error: "));
  const auto vm = start();
  Ends cut;
  auto received = receive(*target, cut.to.get());
  change_words(*vm, {"migrate=error"});
  (void)error_of([&] { (void)send(*vm, cut.from.get()); });
  EXPECT_TRUE(received.get().starts_with("io_error: "));
  EXPECT_EQ(target->status(limit).state, VmState::created);
  set_words({});
  change_words(*vm, {});
  const Ends good;
  auto again = receive(*target, good.to.get());
  (void)send(*vm, good.from.get());
  EXPECT_EQ(again.get(), "received");
  target->stop({.force = true}, limit);
  vm->stop({.force = true}, limit);
}

TEST_F(MoveTest, APipeWithoutAReaderIsAnErrorAndNoSignal) {
  const auto vm = start();
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  ::close(pipe[0]);
  const UniqueFd writer{pipe[1]};
  EXPECT_EQ(to_string(error_of([&] { (void)send(*vm, writer.get()); }).code()), "io_error");
  EXPECT_EQ(vm->status(limit).state, VmState::running);
  vm->stop({.force = true}, limit);
}

/// Cancels a call when its migration has begun.
class CancelAtMigration final : public ProgressSink {
 public:
  void progress(std::string_view stage, std::uint64_t, std::uint64_t) noexcept override {
    if (stage == "migrate") source_.cancel();
  }
  CallContext call() { return {std::chrono::steady_clock::now() + limit, source_.token(), this}; }

 private:
  CancelSource source_;
};

TEST_F(MoveTest, ACancelledOneIsCalledOffAndTheGuestRunsOn) {
  const auto vm = start();
  change_words(*vm, {"migrate=ignore"});
  const Ends ends;
  CancelAtMigration cancel;
  EXPECT_EQ(to_string(error_of([&] { (void)send(*vm, ends.from.get(), cancel.call()); }).code()), "cancelled");
  EXPECT_EQ(vm->status(limit).state, VmState::running);
  CancelAtMigration again;
  EXPECT_EQ(to_string(error_of([&] { save(*vm, make_folder("saved"), again.call()); }).code()), "cancelled");
  EXPECT_EQ(vm->status(limit).state, VmState::running);
  EXPECT_TRUE(entries(folder("saved")).empty());
  change_words(*vm, {});
  save(*vm, folder("saved"));
  vm->stop({.force = true}, limit);
}

}  // namespace
}  // namespace visor::sdk
