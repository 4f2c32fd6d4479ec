// SPDX-License-Identifier: Apache-2.0
#include "visor/runtime/vm_store.hpp"

#include "support/error_of.hpp"
#include "support/temporary_folder.hpp"
#include "visor/core/file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace visor {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

mode_t mode_of(const fs::path& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_{name} {
    if (const auto* before = std::getenv(name)) before_ = before;
    value != nullptr ? ::setenv(name, value, 1) : ::unsetenv(name);
  }
  ~ScopedVariable() { before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

class VmStoreTest : public testing::Test {
 protected:
  /// A VM's folder with a record in it.
  void make(const std::string& id) {
    auto folder = store.create(id);
    VmRecord record;
    record.id = id;
    record.plugin = "mock";
    record.boot_id = host_boot_id();
    record.run_dir = folder.path();
    write_record(record);
    folder.keep();
  }

  test::TemporaryFolder temporary;
  fs::path root = temporary.path() / "run";
  VmStore store{root};
};

TEST(VmId, AcceptsWhatIsSafeInPathsAndRefusesTheRest) {
  for (const auto* id : {"a", "0", "vm0", "web.example-1_x", "A.-_"}) EXPECT_NO_THROW(check_vm_id(id)) << id;
  EXPECT_NO_THROW(check_vm_id(std::string(64, 'x')));
  for (const auto* id : {"", ".", "..", "-x", "_x", ".x", "a/b", "a b", "a\n", "ä", "../x"}) {
    EXPECT_EQ(error_of([&] { check_vm_id(id); }).code(), Errc::invalid_config) << id;
  }
  EXPECT_EQ(error_of([] { check_vm_id(std::string(65, 'x')); }).code(), Errc::invalid_config);
  EXPECT_EQ(error_of([] { check_vm_id(std::string_view{"a\0b", 3}); }).code(), Errc::invalid_config);
  EXPECT_THAT(error_of([] { check_vm_id("\x1b[31m"); }).message(), testing::Not(HasSubstr("\x1b")));
}

TEST(RunFolder, DefaultsByEnvironmentAndUser) {
  const ScopedVariable run_dir{"VISOR_RUN_DIR", "/somewhere/else"};
  EXPECT_EQ(VmStore::default_root(), "/somewhere/else");
  const ScopedVariable no_run_dir{"VISOR_RUN_DIR", nullptr};
  const ScopedVariable xdg{"XDG_RUNTIME_DIR", "/run/user/7"};
  const bool root = ::geteuid() == 0;
  EXPECT_EQ(VmStore::default_root(), root ? "/run/visorkit" : "/run/user/7/visorkit");
  const ScopedVariable no_xdg{"XDG_RUNTIME_DIR", "relative"};
  EXPECT_EQ(VmStore::default_root(), root ? "/run/visorkit" : "/tmp/visorkit-" + std::to_string(::geteuid()));
}

TEST(RunFolder, IsMadeAbsoluteOnce) { EXPECT_EQ(VmStore{"run/./x/"}.root(), fs::current_path() / "run/x"); }

TEST_F(VmStoreTest, TouchesNothingBeforeTheFirstVm) {
  EXPECT_THAT(store.list(), IsEmpty());
  EXPECT_FALSE(store.contains("vm0"));
  EXPECT_FALSE(fs::exists(root));
  EXPECT_EQ(error_of([&] { (void)store.read("vm0"); }).code(), Errc::not_found);
  EXPECT_EQ(error_of([&] { store.remove("vm0"); }).code(), Errc::not_found);
}

TEST_F(VmStoreTest, MakesPrivateFoldersWhateverTheUmaskIs) {
  const auto before = ::umask(0777);
  auto folder = store.create("vm0");
  ::umask(before);
  EXPECT_EQ(folder.path(), root / "vm0");
  EXPECT_EQ(mode_of(root), 0700u);
  EXPECT_EQ(mode_of(folder.path()), 0700u);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST_F(VmStoreTest, AFolderThatIsNotKeptGoesWithItsContent) {
  {
    const auto folder = store.create("vm0");
    fs::create_directories(folder.path() / "deep/er");
    std::ofstream{folder.path() / "deep/er/file"} << "x";
  }
  EXPECT_TRUE(fs::is_empty(root));
}

TEST_F(VmStoreTest, AnIdIsTakenOnce) {
  make("vm0");
  const auto error = error_of([&] { (void)store.create("vm0"); });
  EXPECT_EQ(error.code(), Errc::already_exists);
  EXPECT_THAT(error.message(), HasSubstr((root / "vm0").string()));
  EXPECT_TRUE(store.contains("vm0"));
}

TEST_F(VmStoreTest, OfManyMakersOneWins) {
  std::atomic<int> made = 0;
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      try {
        auto folder = store.create("vm0");
        folder.keep();
        ++made;
      } catch (const Error& error) {
        if (error.code() == Errc::already_exists) ++refused;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(refused, 7);
}

TEST_F(VmStoreTest, RefusesPathsTooLongForSocketsBeforeAnythingIsMade) {
  const auto room = longest_socket_path - 1 - longest_socket_name - root.native().size() - 1;
  ASSERT_GT(room, 1u);
  if (room <= longest_vm_id) {
    EXPECT_NO_THROW((void)store.create(std::string(room, 'x')));
  }
  const VmStore deep{temporary.path() / std::string(90, 'd')};
  const auto error = error_of([&] { (void)deep.create("vm0"); });
  EXPECT_EQ(error.code(), Errc::invalid_config);
  EXPECT_THAT(error.message(), HasSubstr("the limit is 107"));
  EXPECT_FALSE(fs::exists(deep.root()));
}

TEST_F(VmStoreTest, TheLastByteOfASocketPathDecides) {
  const std::string id = "vm0";
  const auto length = longest_socket_path - longest_socket_name - 1 - id.size() - 1;
  const auto exact = temporary.path() / std::string(length - temporary.path().native().size() - 1, 'd');
  EXPECT_NO_THROW((void)VmStore{exact}.create(id));
  EXPECT_EQ(error_of([&] { (void)VmStore{exact.string() + "d"}.create(id); }).code(), Errc::invalid_config);
}

TEST_F(VmStoreTest, RefusesARunFolderThatIsNotSafe) {
  fs::create_directory(temporary.path() / "real");
  fs::create_directory_symlink(temporary.path() / "real", root);
  EXPECT_THAT(error_of([&] { (void)store.create("vm0"); }).message(), HasSubstr("symbolic link"));
  EXPECT_EQ(error_of([&] { (void)store.list(); }).code(), Errc::permission_denied);
  fs::remove(root);

  fs::create_directory(root);
  ::chmod(root.c_str(), 0770);
  EXPECT_THAT(error_of([&] { (void)store.create("vm0"); }).message(), HasSubstr("chmod go-w"));
  EXPECT_EQ(error_of([&] { (void)store.read("vm0"); }).code(), Errc::permission_denied);
  fs::remove(root);

  std::ofstream{root} << "a file";
  EXPECT_THAT(error_of([&] { (void)store.create("vm0"); }).message(), HasSubstr("no folder"));
}

TEST_F(VmStoreTest, RefusesAParentInWhichEverybodyMayRename) {
  const auto parent = temporary.path() / "open";
  fs::create_directory(parent);
  ::chmod(parent.c_str(), 0777);
  const VmStore in_open{parent / "run"};
  EXPECT_THAT(error_of([&] { (void)in_open.create("vm0"); }).message(), HasSubstr("sticky"));
  ::chmod(parent.c_str(), 01777);
  EXPECT_NO_THROW((void)in_open.create("vm0"));
}

TEST_F(VmStoreTest, RefusesARunFolderOfSomebodyElse) {
  const bool privileged = ::geteuid() == 0;  // only root can give a folder away
  if (privileged) {
    fs::create_directory(root);
    ASSERT_EQ(::chown(root.c_str(), 1, 1), 0);
  }
  const VmStore foreign{privileged ? root : fs::path{"/usr"}};
  const auto error = error_of([&] { (void)foreign.create("vm0"); });
  EXPECT_EQ(error.code(), Errc::permission_denied);
  EXPECT_THAT(error.message(), HasSubstr(privileged ? "belongs to user 1," : "belongs to user 0,"));
}

TEST_F(VmStoreTest, SaysWhenTheRunFolderCannotBeWritten) {
  fs::create_directory(root);
  ::chmod(root.c_str(), 0500);
  // Root may write everywhere: it becomes another user meanwhile.
  const bool privileged = ::geteuid() == 0;
  if (privileged) {
    ASSERT_EQ(::chown(root.c_str(), 1, 1), 0);
    ASSERT_EQ(::chmod(temporary.path().c_str(), 0755), 0);
    ASSERT_EQ(::seteuid(1), 0);
  }
  const auto error = error_of([&] { (void)store.create("vm0"); });
  if (privileged) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  EXPECT_EQ(error.code(), Errc::permission_denied);
  EXPECT_THAT(error.message(), HasSubstr("Cannot write to the run folder " + root.string()));
}

TEST_F(VmStoreTest, SaysWhenTheParentIsMissing) {
  const VmStore orphan{temporary.path() / "no/run"};
  const auto error = error_of([&] { (void)orphan.create("vm0"); });
  EXPECT_EQ(error.code(), Errc::not_found);
  EXPECT_THAT(error.message(), HasSubstr((temporary.path() / "no").string()));
}

TEST_F(VmStoreTest, OneOddVmNeverBreaksTheList) {
  make("good");
  make("other");
  fs::copy(root / "good", root / "copied", fs::copy_options::recursive);
  fs::create_directory(root / "empty");
  make("garbled");
  write_file_atomically(root / "garbled/record.json", "{\"id\": ");
  std::ofstream{root / "a-file"} << "x";
  fs::create_directory_symlink(root / "good", root / "link");
  std::ofstream{root / ".hidden"} << "x";
  std::vector<std::string> good;
  std::vector<std::string> odd;
  for (const auto& vm : store.list()) {
    ASSERT_NE(vm.record.has_value(), vm.error.has_value()) << vm.id;
    (vm.record ? good : odd).push_back(vm.id);
  }
  EXPECT_THAT(good, ElementsAre("good", "other"));
  EXPECT_THAT(odd, ElementsAre("a-file", "copied", "empty", "garbled", "link"));
  EXPECT_THAT(error_of([&] { (void)store.read("copied"); }).message(), HasSubstr("another VM, 'good'"));
  EXPECT_THAT(error_of([&] { (void)store.read("garbled"); }).message(), HasSubstr("record.json"));
  EXPECT_THAT(error_of([&] { (void)store.read("nobody"); }).message(), HasSubstr("there are: a-file, copied"));
}

TEST_F(VmStoreTest, ReadsBackWhatWasWritten) {
  make("vm0");
  const auto record = store.read("vm0");
  EXPECT_EQ(record.id, "vm0");
  EXPECT_EQ(record.plugin, "mock");
  EXPECT_EQ(record.run_dir, root / "vm0");
}

TEST_F(VmStoreTest, AVmBeingMadeIsBusyAndNotAbandoned) {
  const auto folder = store.create("vm0");
  EXPECT_EQ(error_of([&] { (void)store.read("vm0"); }).code(), Errc::busy);
  EXPECT_EQ(error_of([&] { store.remove("vm0"); }).code(), Errc::busy);
  EXPECT_THAT(store.remove_abandoned(), IsEmpty());
  EXPECT_TRUE(fs::exists(folder.path()));
}

TEST_F(VmStoreTest, RemovesWhatWasLeftHalfMadeAndNothingElse) {
  make("good");
  fs::create_directory(root / "half");
  fs::create_directories(root / ".gone-abc/deep");
  EXPECT_THAT(store.remove_abandoned(), ElementsAre("half"));
  EXPECT_FALSE(fs::exists(root / ".gone-abc"));
  EXPECT_TRUE(fs::exists(root / "good/record.json"));
}

TEST_F(VmStoreTest, RemovesAVmWithAllThatIsInItsFolder) {
  make("vm0");
  fs::create_directories(root / "vm0/logs/old");
  fs::create_symlink("/etc", root / "vm0/link");
  store.remove("vm0");
  EXPECT_TRUE(fs::is_empty(root));
  EXPECT_TRUE(fs::exists("/etc"));
}

TEST_F(VmStoreTest, MakersAreSafeFromCleaners) {
  std::atomic<bool> done = false;
  std::thread cleaner{[&] {
    while (!done) (void)store.remove_abandoned();
  }};
  int lost = 0;
  for (int i = 0; i < 200; ++i) {
    const auto folder = store.create("vm0");
    if (!fs::exists(folder.path())) ++lost;
  }
  done = true;
  cleaner.join();
  EXPECT_EQ(lost, 0);
}

}  // namespace
}  // namespace visor
