// SPDX-License-Identifier: Apache-2.0
// A VM and several processes: one creates it, another finds it, one dies.
#include "child.hpp"
#include "fixture.hpp"

namespace visor::conformance {
namespace {

VISOR_CONFORMANCE_SUITE(Processes);

std::vector<std::string> helper(const Subject& subject, const std::string& command,
                                const std::filesystem::path& folder) {
  return {subject.name, command, folder.string()};
}

TEST_P(Processes, AnotherOneFindsTheVm) {
  VISOR_NEEDS(Feature::attach);
  const auto vm = started();
  const auto folder = vm->record().run_dir;
  Child status{helper(subject(), "status", folder)};
  EXPECT_EQ(status.read_line(quick()), "running");
  EXPECT_EQ(status.finish(), 0);
  EXPECT_EQ(state_of(*vm), VmState::running);
}

TEST_P(Processes, AnotherOneMayNotChangeWhatIsOwnedHere) {
  VISOR_NEEDS(Feature::attach);
  VISOR_NEEDS(Feature::pause);
  const auto folder = new_folder();
  Child creator{helper(subject(), "create", folder)};
  ASSERT_EQ(creator.read_line(quick()), "running");
  const auto vm = hypervisor().attach(read_record(folder), quick());
  EXPECT_EQ(state_of(*vm), VmState::running);
  const auto message = error_of(Errc::busy, [&] { vm->pause(moment()); });
  EXPECT_NE(message.find(std::to_string(creator.pid())), std::string::npos) << message;
  EXPECT_EQ(creator.finish(), 0);
  vm->pause(quick());  // its owner is gone, it is not
  EXPECT_EQ(state_of(*vm), VmState::paused);
  vm->stop({.force = true}, quick());
}

TEST_P(Processes, AnotherOneMayStop) {
  VISOR_NEEDS(Feature::attach);
  const auto vm = started();
  Child stop{helper(subject(), "stop", vm->record().run_dir)};
  EXPECT_EQ(vm->wait_exit(quick()).cause, ExitCause::stopped);
  EXPECT_EQ(stop.read_line(quick()), "stopped");
  EXPECT_EQ(stop.finish(), 0);
  EXPECT_EQ(state_of(*vm), VmState::stopped);
}

TEST_P(Processes, TheEndOfTheCreatorIsNotTheEndOfTheVm) {
  VISOR_NEEDS(Feature::attach);
  const auto folder = new_folder();
  Child creator{helper(subject(), "create", folder)};
  ASSERT_EQ(creator.read_line(quick()), "running");
  creator.kill();
  const auto vm = hypervisor().attach(read_record(folder), quick());
  EXPECT_EQ(state_of(*vm), VmState::running);
  EXPECT_EQ(vm->stop({.force = true}, quick()).exit.cause, ExitCause::stopped);
}

TEST_P(Processes, AnEphemeralVmDoesNotOutliveAKilledCreator) {
  VISOR_NEEDS(Feature::attach);
  const auto folder = new_folder();
  Child creator{helper(subject(), "create-ephemeral", folder)};
  ASSERT_EQ(creator.read_line(quick()), "running");
  const auto vm = hypervisor().attach(read_record(folder), quick());
  EXPECT_EQ(state_of(*vm), VmState::running);
  creator.kill();
  EXPECT_NO_THROW(vm->wait_exit(quick()));
  const auto state = state_of(*vm);
  EXPECT_TRUE(state == VmState::stopped || state == VmState::failed) << to_string(state);
}

TEST_P(Processes, AnOwnerThatIsKilledLetsGo) {
  VISOR_NEEDS(Feature::attach);
  VISOR_NEEDS(Feature::pause);
  VISOR_NEEDS(Feature::resume);
  auto vm = started();
  const auto record = vm->record();
  vm.reset();
  Child owner{helper(subject(), "own", record.run_dir)};
  ASSERT_EQ(owner.read_line(quick()), "owner");
  vm = hypervisor().attach(record, quick());
  error_of(Errc::busy, [&] { vm->resume(moment()); });
  owner.kill();
  vm->resume(quick());
  EXPECT_EQ(state_of(*vm), VmState::running);
}

TEST_P(Processes, OneAfterTheOther) {
  VISOR_NEEDS(Feature::attach);
  VISOR_NEEDS(Feature::pause);
  auto vm = started();
  const auto record = vm->record();
  vm.reset();
  for (const auto& [command, state] : {std::pair{"pause", "paused"}, {"status", "paused"}, {"stop", "stopped"}}) {
    Child child{helper(subject(), command, record.run_dir)};
    EXPECT_EQ(child.read_line(quick()), state);
    EXPECT_EQ(child.finish(), 0);
  }
  EXPECT_EQ(state_of(*hypervisor().attach(record, quick())), VmState::stopped);
}

}  // namespace
}  // namespace visor::conformance
