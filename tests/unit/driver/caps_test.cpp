// SPDX-License-Identifier: Apache-2.0
// The driver asks its QEMU what it can do before it makes a VM of it, once, and refuses what that lacks.
#include "fixture.hpp"
#include "visor/core/file.hpp"
#include "visor/core/params.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace visor::sdk {
namespace {

namespace fs = std::filesystem;

class CapsTest : public DriverTest {
 protected:
  [[nodiscard]] fs::path folder() const { return run_dir().parent_path(); }
  /// A script in QEMU's place, which notes each question and start.
  void be_qemu(const std::string& asked, const std::string& started) const {
    std::ofstream{folder() / "new"} << "#!/bin/sh\ncase \"$*\" in\n'-machine none '*) echo asked >>"
                                    << folder().string() << "/tries; " << asked << ";;\n*) echo started >>"
                                    << folder().string() << "/tries; " << started << ";;\nesac\n";
    fs::permissions(folder() / "new", fs::perms::owner_all);
    fs::rename(folder() / "new", folder() / "qemu");
  }
  [[nodiscard]] VmConfig with_script() const {
    auto config = this->config();
    config.host.hypervisor_path = folder() / "qemu";
    return config;
  }
  std::unique_ptr<Vm> make(const VmConfig& config) {
    fs::create_directory(run_dir());
    return hypervisor().create(config, "vm", run_dir());
  }
  [[nodiscard]] std::string tries() const { return read_file(folder() / "tries"); }
};

constexpr const char* fake = "exec " VISOR_TEST_FAKE_QEMU " \"$@\"";
constexpr const char* dies = "echo no such library >&2; exit 127";

TEST_F(CapsTest, EachQemuIsAskedOnce) {
  be_qemu(fake, fake);
  const auto vm = make(with_script());
  vm->start(limit);
  vm->stop({.force = true}, limit);
  fs::create_directory(folder() / "two");
  (void)hypervisor().create(with_script(), "two", folder() / "two");
  EXPECT_EQ(tries(), "asked\nstarted\n");
}

TEST_F(CapsTest, AQemuThatDiesMakesNoVm) {
  be_qemu(dies, fake);
  const auto error = error_of([&] { (void)make(with_script()); });
  EXPECT_EQ(to_string(error.code()), "disconnected");
  EXPECT_NE(error.message().find("exit code 127 before it had answered: no such library"), std::string::npos)
      << error.what();
  EXPECT_TRUE(fs::is_empty(run_dir()));
}

TEST_F(CapsTest, AQemuThatWasReplacedIsAskedAgainWithinTheStart) {
  be_qemu(fake, fake);
  const auto vm = make(with_script());
  be_qemu("exec sleep 1000", fake);
  EXPECT_EQ(to_string(error_of([&] { vm->start(300ms); }).code()), "timeout");
  EXPECT_EQ(vm->status(limit).state, VmState::created);
  expect_nothing_runs();
  be_qemu(std::string{fake} + " -fake profile=9.2", fake);
  vm->start(limit);
  log().expect("QEMU 9.2.0 at " + (folder() / "qemu").string() + " is newer than what visorkit was measured with");
  vm->stop({.force = true}, limit);
  EXPECT_EQ(tries(), "asked\nasked\nasked\nstarted\n");
}

TEST_F(CapsTest, PlanningStartsNothingAndSaysWhatItKnows) {
  be_qemu(fake, fake);
  (void)hypervisor().validate(with_script());
  (void)hypervisor().command_line(with_script(), "vm", run_dir());
  EXPECT_FALSE(fs::exists(folder() / "tries"));
  log().expect("Planned with a table of QEMU 7.2, because " + (folder() / "qemu").string() + " has not been asked", 2);
  (void)make(with_script());
  (void)hypervisor().validate(with_script());
  EXPECT_EQ(tries(), "asked\n");
}

TEST_F(CapsTest, TheCacheServesTheNextProcess) {
  // Another folder of the cache each: nothing of this process is remembered for a copy of the program.
  fs::copy_file(VISOR_TEST_FAKE_QEMU, folder() / "qemu");
  HostContext host;
  add_param(host.options, "caps_cache_dir", (folder() / "cache" / "qemu-caps").string());
  use_host(host);
  (void)make(with_script());
  ASSERT_TRUE(fs::exists(folder() / "cache" / "qemu-caps"));
  EXPECT_EQ(std::distance(fs::directory_iterator{folder() / "cache" / "qemu-caps"}, {}), 1);
}

TEST_F(CapsTest, TheFolderOfTheCacheMustBeAPath) {
  HostContext host;
  add_param(host.options, "caps_cache_dir", "cache");
  const auto error = error_of([&] { use_host(host); });
  EXPECT_EQ(to_string(error.code()), "invalid_config");
  EXPECT_NE(error.message().find("caps_cache_dir"), std::string::npos) << error.what();
}

TEST_F(CapsTest, AProgramWithAnotherHashIsNotAsked) {
  be_qemu(fake, fake);
  auto config = with_script();
  config.assets.push_back(
      {.kind = AssetKind::hypervisor, .path = (folder() / "qemu").string(), .sha512 = std::string(128, '0')});
  EXPECT_NE(error_of([&] { (void)make(config); }).message().find("Invalid hash"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder() / "tries"));
}

}  // namespace
}  // namespace visor::sdk
