// SPDX-License-Identifier: Apache-2.0
// What `accelerator: auto` comes to on whatever host this is: KVM that works, KVM that only seems to, or none.
#include "guest.hpp"
#include "visor/core/extension.hpp"

namespace visor::test {
namespace {

using AutoAccelerator = QemuTest;

TEST_F(AutoAccelerator, BootsOnAnyHostAndTheRecordIsTrue) {
  auto free = config();
  free.machine.accelerator = Accelerator::automatic;
  const auto vm = boot(free);
  const auto recorded = vm->record().blob.at("accelerator").as_string();
  const auto qmp = std::dynamic_pointer_cast<QmpExtension>(vm->extension(QmpExtension::id));
  ASSERT_TRUE(qmp);
  const bool kvm = qmp->execute("query-kvm", Value::map(), 5s).at("enabled").as_bool();
  EXPECT_EQ(recorded, kvm ? "kvm" : "tcg");
  EXPECT_EQ(agent().run("dmesg | grep -q 'Hypervisor detected: KVM'").status == 0, kvm) << "the guest says otherwise";
  vm->stop({.force = true}, 20s);
}

}  // namespace
}  // namespace visor::test
