// SPDX-License-Identifier: Apache-2.0
// The cloud-init disk of a VM: made when the VM is started, gone when QEMU has opened it or did not start.
#include "fixture.hpp"
#include "support/in_path.hpp"
#include "visor/core/file.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <optional>

namespace visor::sdk {
namespace {

/// Looks at a file when QEMU has been started and not yet been connected to.
class LookAtNegotiate final : public ProgressSink {
 public:
  explicit LookAtNegotiate(std::filesystem::path file) : file_{std::move(file)} {}
  void progress(std::string_view stage, std::uint64_t, std::uint64_t) noexcept override {
    stages_.emplace_back(stage);
    if (stage != "negotiate" || !std::filesystem::exists(file_)) return;
    text_ = read_file(file_);
    permissions_ = std::filesystem::status(file_).permissions();
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::filesystem::perms permissions() const { return permissions_; }
  [[nodiscard]] const std::vector<std::string>& stages() const { return stages_; }

 private:
  std::filesystem::path file_;
  std::string text_;
  std::filesystem::perms permissions_{};
  std::vector<std::string> stages_;
};

class CloudInitDisk : public DriverTest {
 protected:
  void SetUp() override {
    DriverTest::SetUp();
    const auto root = run_dir().parent_path();
    for (const auto* folder : {"bin", "seen"}) std::filesystem::create_directory(root / folder);
    in_path_.emplace(root / "bin");
    tool("rm -rf $SEEN/tree; cp -r tree $SEEN; echo iso >image");
  }
  void TearDown() override {
    in_path_.reset();
    DriverTest::TearDown();
  }

  void tool(const std::string& script) const {
    const auto file = run_dir().parent_path() / "bin/genisoimage";
    std::ofstream{file} << "#!/bin/sh\nSEEN=" << (run_dir().parent_path() / "seen").string() << '\n' << script << '\n';
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  }
  std::unique_ptr<Vm> create_with(CloudInitConfig cloud) {
    cloud.id = "c";
    auto vm = create();
    vm->add_device(cloud);
    return vm;
  }
  [[nodiscard]] std::filesystem::path disk() const { return run_dir() / "cloud-init.iso"; }
  [[nodiscard]] std::filesystem::path left_over() const { return run_dir() / ".cloud-init-abcdef"; }
  /// As a process does that is killed while it makes the disk, or soon after.
  void leave_behind() const {
    std::filesystem::create_directories(left_over() / "tree");
    std::ofstream{left_over() / "tree/user-data"} << "password: secret";
    std::ofstream{disk()} << "iso";
  }
  [[nodiscard]] std::string seen(const std::string& name) const {
    return read_file(run_dir().parent_path() / "seen/tree" / name);
  }
  void expect_fails(Vm& vm, Errc code, const std::string& text) {
    const auto error = error_of([&] { vm.start(limit); });
    EXPECT_EQ(to_string(error.code()), to_string(code)) << error.message();
    EXPECT_NE(error.message().find(text), std::string::npos) << error.message();
    EXPECT_EQ(vm.status(limit).state, VmState::created);
    EXPECT_FALSE(std::filesystem::exists(disk()));
    expect_nothing_runs();
  }

 private:
  std::optional<test::InPath> in_path_;
};

TEST_F(CloudInitDisk, IsThereUntilQemuHasOpenedIt) {
  CloudInitConfig cloud;
  cloud.user_data = "#cloud-config\n";
  const auto vm = create_with(cloud);
  EXPECT_FALSE(std::filesystem::exists(disk())) << "a VM that was not started has none";
  LookAtNegotiate look{disk()};
  vm->start({std::chrono::steady_clock::now() + limit, {}, &look});
  EXPECT_EQ(look.text(), "iso\n");
  EXPECT_EQ(look.permissions(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_FALSE(std::filesystem::exists(disk())) << "whoever sees the VM end need not remove it";
  EXPECT_EQ(seen("user-data"), "#cloud-config\n");
  EXPECT_EQ(seen("meta-data"), "{\"instance-id\":\"vm\",\"local-hostname\":\"vm\"}\n");
  vm->stop({.force = true}, limit);
  EXPECT_FALSE(std::filesystem::exists(disk()));
}

TEST_F(CloudInitDisk, TheToolsOwnStagesAreNotReported) {
  const auto vm = create_with({});
  LookAtNegotiate look{disk()};
  vm->start({std::chrono::steady_clock::now() + limit, {}, &look});
  EXPECT_EQ(look.stages(), (std::vector<std::string>{"cloud-init", "spawn", "negotiate", "run"}));
  vm->stop({.force = true}, limit);
}

TEST_F(CloudInitDisk, WhatAKilledProcessLeftGoesBeforeANewOneIsMade) {
  const auto vm = create_with({});
  leave_behind();
  tool("ls -A .. | grep -c cloud-init >$SEEN/count; echo iso >image");
  vm->start(limit);
  EXPECT_EQ(read_file(run_dir().parent_path() / "seen/count"), "1\n") << "its own folder";
  vm->stop({.force = true}, limit);
}

TEST_F(CloudInitDisk, WhatAKilledProcessLeftGoesWithTheVm) {
  const auto vm = create_with({});
  leave_behind();
  vm->stop({.force = true}, limit);
  EXPECT_FALSE(std::filesystem::exists(disk()));
  EXPECT_FALSE(std::filesystem::exists(left_over()));
}

TEST_F(CloudInitDisk, TakesItsTextsFromFiles) {
  CloudInitConfig cloud;
  cloud.source = CloudInitSource::config_drive;
  cloud.user_data_path = (run_dir().parent_path() / "user").string();
  cloud.network_config = "{}";
  std::ofstream{cloud.user_data_path} << "of a file";
  const auto vm = create_with(cloud);
  vm->start(limit);
  EXPECT_EQ(seen("openstack/latest/user_data"), "of a file");
  EXPECT_EQ(seen("openstack/latest/network_data.json"), "{}");
  EXPECT_EQ(seen("openstack/latest/meta_data.json"), "{\"uuid\":\"vm\",\"hostname\":\"vm\"}\n");
  vm->stop({.force = true}, limit);
}

TEST_F(CloudInitDisk, UserDataThatCloudInitIgnoresIsWarnedOf) {
  const auto vm = create_with({.user_data = "packages: [vim]\n"});
  vm->start(limit);
  log().expect("devices[0]: cloud-init will ignore user data that begins with none of its words");
  vm->stop({.force = true}, limit);
}

TEST_F(CloudInitDisk, AToolThatFailsFailsTheStartAndTheNextOneWorks) {
  tool("echo 'no space' >&2; exit 1");
  const auto vm = create_with({});
  expect_fails(*vm, Errc::io_error, "devices[0]: Cannot make the cloud-init disk " + disk().string());
  tool("echo iso >image");
  vm->start(limit);
  vm->stop({.force = true}, limit);
}

TEST_F(CloudInitDisk, GoesWithAQemuThatDoesNotStart) {
  const auto vm = create_with({});
  set_words({"start=exit", "exit-code=3"});
  expect_fails(*vm, Errc::disconnected, "QEMU ended with exit code 3");
}

TEST_F(CloudInitDisk, AToolThatHangsIsEndedByTheDeadlineOfTheStart) {
  tool("exec sleep 1000");
  const auto vm = create_with({});
  const auto error = error_of([&] { vm->start(500ms); });
  EXPECT_EQ(to_string(error.code()), "timeout") << error.message();
  EXPECT_NE(error.message().find("devices[0]"), std::string::npos) << error.message();
  expect_nothing_runs();
}

TEST_F(CloudInitDisk, FilesAreBoundedAndNotWaitedFor) {
  CloudInitConfig cloud;
  cloud.user_data_path = (run_dir().parent_path() / "user").string();
  const auto vm = create_with(cloud);
  expect_fails(*vm, Errc::not_found, "devices[0].user_data_path: the file: Cannot find " + cloud.user_data_path);
  ASSERT_EQ(::mkfifo(cloud.user_data_path.c_str(), 0600), 0);
  expect_fails(*vm, Errc::invalid_config, "devices[0].user_data_path: " + cloud.user_data_path + " is a special file");
  std::filesystem::remove(cloud.user_data_path);
  std::ofstream{cloud.user_data_path} << std::string((1U << 20U) + 1, 'x');
  expect_fails(*vm, Errc::exhausted, "devices[0].user_data_path: " + cloud.user_data_path + " is larger than 1048576");
}

}  // namespace
}  // namespace visor::sdk
