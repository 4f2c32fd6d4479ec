// SPDX-License-Identifier: Apache-2.0
// What a device needs of the host is looked for when the VM is started, not when it is made.
#include "fixture.hpp"

namespace visor::sdk {
namespace {

using NeedsTest = DriverTest;

TEST_F(NeedsTest, AnAddedDeviceIsHeldAgainstTheOthersAsAConfiguredOneIs) {
  const auto vm = create();
  BalloonConfig balloon;
  balloon.id = "b0";
  vm->add_device(balloon);
  balloon.id = "b1";
  EXPECT_EQ(to_string(error_of([&] { vm->add_device(balloon); }).code()), "invalid_config");
  EXPECT_EQ(vm->config().devices.size(), 1U);
  vm->start(limit);
  vm->stop({.force = true}, limit);
}

TEST_F(NeedsTest, AStartWithoutTheSharedFolderFailsAndTheNextOneWithItWorks) {
  const auto folder = run_dir().parent_path() / "shared";
  const auto vm = create();
  ShareConfig share;
  share.id = "s";
  share.path = folder.string();
  share.tag = "t";
  vm->add_device(share);
  const auto error = error_of([&] { vm->start(limit); });
  EXPECT_EQ(to_string(error.code()), "not_found") << error.what();
  EXPECT_EQ(error.message().find("devices[0].path: the shared folder: "), 0U) << error.what();
  EXPECT_EQ(vm->status(limit).state, VmState::created);
  expect_nothing_runs();
  std::filesystem::create_directory(folder);
  vm->start(limit);
  EXPECT_EQ(vm->status(limit).state, VmState::running);
  vm->stop({.force = true}, limit);
}

}  // namespace
}  // namespace visor::sdk
