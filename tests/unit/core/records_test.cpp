// SPDX-License-Identifier: Apache-2.0
#include "random_config.hpp"
#include "support.hpp"
#include "visor/core/capabilities.hpp"
#include "visor/core/describe.hpp"
#include "visor/core/file.hpp"
#include "visor/core/json.hpp"
#include "visor/core/owner_lock.hpp"
#include "visor/core/vm_record.hpp"
#include "visor/core/vm_state.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace visor {
namespace {

using namespace std::chrono_literals;
using testing::contains;
using testing::expect_error;

TEST(Files, ReadBackWhatWasWritten) {
  const testing::TempDir dir;
  const auto path = dir.path() / "file";
  const auto content = std::string(100'000, 'x') + std::string("\0\n", 2);
  write_file_atomically(path, "old");
  write_file_atomically(path, content);
  EXPECT_EQ(read_file(path), content);
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator{dir.path()}, {}), 1);
}
TEST(Files, AreBounded) {
  const testing::TempDir dir;
  const auto path = dir.file("file", "12345");
  EXPECT_EQ(read_file(path, 5), "12345");
  expect_error(Errc::exhausted, "is larger than 4 bytes", [&] { read_file(path, 4); });
}
TEST(Files, FailuresNameThem) {
  const testing::TempDir dir;
  expect_error(Errc::not_found, "Cannot open " + (dir.path() / "none").string(),
               [&] { read_file(dir.path() / "none"); });
  expect_error(Errc::not_found, "none/file", [&] { write_file_atomically(dir.path() / "none" / "file", ""); });
  std::filesystem::create_directory(dir.path() / "folder");
  expect_error(Errc::io_error, "Cannot replace", [&] { write_file_atomically(dir.path() / "folder", "x"); });
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator{dir.path()}, {}), 1);
}

VmRecord sample(const std::filesystem::path& dir) {
  VmRecord record;
  record.id = "web";
  record.plugin = "mock";
  record.boot_id = host_boot_id();
  record.run_dir = dir;
  record.keeper = {12, 34};
  record.hypervisor = {56, UINT64_MAX};
  record.config = testing::random_config(3);
  record.blob = Value::map({{"state", "running"}});
  return record;
}
TEST(Records, ReadBackWhatWasWritten) {
  const testing::TempDir dir;
  const auto record = sample(dir.path());
  write_record(record);
  const auto read = read_record(dir.path());
  EXPECT_EQ(to_json(to_value(read)), to_json(to_value(record)));
  EXPECT_EQ(read.config, record.config);
  EXPECT_EQ(read.keeper, record.keeper);
  EXPECT_EQ(read.hypervisor, record.hypervisor);
  EXPECT_EQ(read.run_dir, dir.path());
}
TEST(Records, OfANewerVersionAreRefused) {
  auto value = to_value(sample("/"));
  value.set("version", VmRecord::current_version + 1);
  expect_error(Errc::unsupported, "use the newer one", [&] { vm_record_from_value(value); });
}
TEST(Records, ThatAreDamagedNameTheFile) {
  const testing::TempDir dir;
  expect_error(Errc::not_found, "record.json", [&] { read_record(dir.path()); });
  for (const auto* text : {"", "{", "[]", "{}", R"({"version": 1})", R"({"version": "1"})"}) {
    SCOPED_TRACE(text);
    const auto file = dir.file("record.json", text);
    expect_error(Errc::invalid_config, file + ": ", [&] { read_record(dir.path()); });
  }
}
TEST(Records, MembersAreChecked) {
  for (const auto* key : {"id", "plugin", "boot_id", "keeper", "hypervisor", "config", "blob"}) {
    const auto whole = to_value(sample("/"));
    auto part = Value::map();
    for (const auto& [name, member] : whole.as_map()) {
      if (name != key) part.set(name, member);
    }
    expect_error(Errc::invalid_config, "Missing member '" + std::string{key}, [&] { vm_record_from_value(part); });
  }
  auto value = to_value(sample("/"));
  value.set("keeper", Value::map({{"pid", -1}, {"start_time", 1}}));
  expect_error(Errc::invalid_config, "out of range", [&] { vm_record_from_value(value); });
}
TEST(Records, TheBootHasAnId) { EXPECT_EQ(host_boot_id().size(), 36U); }

TEST(OwnerLocks, NameTheirHolder) {
  const testing::TempDir dir;
  EXPECT_FALSE(OwnerLock::holder(dir.path()));
  {
    const auto lock = OwnerLock::acquire(dir.path(), "run", 1s);
    const auto holder = OwnerLock::holder(dir.path());
    ASSERT_TRUE(holder);
    EXPECT_EQ(holder->pid, ::getpid());
    EXPECT_EQ(holder->operation, "run");
  }
  EXPECT_FALSE(OwnerLock::holder(dir.path()));
}
TEST(OwnerLocks, AreHeldOnce) {
  const testing::TempDir dir;
  const auto lock = OwnerLock::acquire(dir.path(), "two\nlines", 1s);
  expect_error(Errc::busy, "owned by process " + std::to_string(::getpid()) + " (two lines)",
               [&] { OwnerLock::acquire(dir.path(), "stop", 5ms); });
  CancelSource source;
  source.cancel();
  expect_error(Errc::cancelled, "owner lock",
               [&] { OwnerLock::acquire(dir.path(), "stop", {Deadline::max(), source.token()}); });
}
TEST(OwnerLocks, MoveWithTheirHandle) {
  const testing::TempDir dir;
  auto first = std::optional{OwnerLock::acquire(dir.path(), "run", 1s)};
  const auto second = std::move(*first);
  first.reset();
  EXPECT_TRUE(OwnerLock::holder(dir.path()));
}
TEST(OwnerLocks, NeedAFolder) {
  expect_error(Errc::not_found, "Cannot open the lock", [] { OwnerLock::acquire("/nonexistent", "run", 1s); });
}

TEST(Names, OfStatesReadBack) {
  for (const auto state :
       {VmState::undefined, VmState::created, VmState::running, VmState::paused, VmState::stopped, VmState::failed}) {
    EXPECT_EQ(vm_state_from_string(to_string(state)), state);
  }
  expect_error(Errc::invalid_config, "Unknown VM state 'x'", [] { vm_state_from_string("x"); });
}
TEST(Names, OfErrorsAreTheirEnumerators) {
  EXPECT_EQ(to_string(Errc::invalid_config), "invalid_config");
  EXPECT_EQ(to_string(Errc::wrong_thread), "wrong_thread");
  EXPECT_EQ(to_string(Errc::internal), "internal");
  EXPECT_EQ(to_string(static_cast<Errc>(1000)), "unknown");
}
TEST(Names, OfSystemErrorsFollowErrno) {
  EXPECT_EQ(system_error("x", ENOENT).code(), Errc::not_found);
  EXPECT_EQ(system_error("x", EACCES).code(), Errc::permission_denied);
  EXPECT_EQ(system_error("x", EPERM).code(), Errc::permission_denied);
  EXPECT_EQ(system_error("x", EEXIST).code(), Errc::already_exists);
  EXPECT_EQ(system_error("x", ENAMETOOLONG).code(), Errc::invalid_config);
  EXPECT_EQ(system_error("x", EIO).code(), Errc::io_error);
  EXPECT_TRUE(contains(system_error("Cannot do", ENOENT).message(), "Cannot do: No such file"));
}
TEST(Names, FinalStatesFollowTheirCause) {
  const auto state = [](ExitCause cause) {
    ExitRecord record;
    record.cause = cause;
    return final_state(record);
  };
  for (const auto cause : {ExitCause::stopped, ExitCause::guest_shutdown, ExitCause::guest_reset}) {
    EXPECT_EQ(state(cause), VmState::stopped);
  }
  for (const auto cause : {ExitCause::unknown, ExitCause::guest_panic, ExitCause::exit_code, ExitCause::signal}) {
    EXPECT_EQ(state(cause), VmState::failed);
  }
}

TEST(CapabilitySets, AddAndRemove) {
  Capabilities capabilities{Feature::stop, Feature::balloon};
  EXPECT_TRUE(capabilities.has(Feature::stop));
  EXPECT_NO_THROW(capabilities.require(Feature::stop, "qemu"));
  capabilities.remove(Feature::stop, "it never ends");
  EXPECT_EQ(capabilities.reason(Feature::stop), "it never ends");
  expect_error(Errc::unsupported, "qemu does not support stop: it never ends",
               [&] { capabilities.require(Feature::stop, "qemu"); });
  expect_error(Errc::unsupported, "qemu does not support pause", [&] { capabilities.require(Feature::pause, "qemu"); });
  EXPECT_EQ(capabilities.list(), (std::vector{Feature::balloon}));
  capabilities.add(Feature::stop);
  EXPECT_EQ(capabilities.list(), (std::vector{Feature::stop, Feature::balloon}));
}

}  // namespace
}  // namespace visor
