// SPDX-License-Identifier: Apache-2.0
// Devices that come and go while a guest runs, in the guest's own words.
#include "life.hpp"
#include "support/error_of.hpp"

namespace visor::test {
namespace {

using Hotplug = LifeTest;

TEST_P(Hotplug, NeverTakesASharedFolder) {
  const auto vm = boot(config());
  const auto error = error_of([&] { (void)vm->hotplug_add(ShareConfig{.id = "late", .path = "/tmp"}, 5s); });
  EXPECT_EQ(error.code(), Errc::unsupported) << error.message();
  EXPECT_EQ(vm->config().devices.size(), 1U);
  vm->stop({.force = true}, 20s);
}

VISOR_LIFE_ON(Hotplug, "amd64", "arm64", "ppc64le", "s390x");

}  // namespace
}  // namespace visor::test
