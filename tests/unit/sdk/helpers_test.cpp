// SPDX-License-Identifier: Apache-2.0
#include "qemu/helpers.hpp"

#include "support/error_of.hpp"

#include <gtest/gtest.h>

namespace visor::sdk {
namespace {

using test::error_of;

TEST(FsDaemon, IsTheFirstOfTheUsualPlacesUnlessItIsConfigured) {
  VmConfig config;
  EXPECT_EQ(find_fs_daemon(config, {"/no/such/daemon", "/bin/sh", "/bin/cat"}), "/bin/sh");
  config.shared_fs.daemon = "/bin/cat";
  EXPECT_EQ(find_fs_daemon(config, {"/bin/sh"}), "/bin/cat");
  config.host.allowed_virtio_fs_daemons = {"/usr/lib*/*"};
  const auto error = error_of([&] { (void)find_fs_daemon(config, {"/bin/sh"}); });
  EXPECT_EQ(to_string(error.code()), "permission_denied");
  EXPECT_EQ(error.message(), "shared_fs.daemon: /bin/cat is not among host.allowed_virtio_fs_daemons");
}

TEST(FsDaemon, WithoutOneThePackagesAreNamed) {
  const auto error = error_of([] { (void)find_fs_daemon({}, {"/no/such/daemon"}); });
  EXPECT_EQ(to_string(error.code()), "not_found");
  EXPECT_EQ(error.message(),
            "virtiofsd was not found; install Debian's package qemu-system-common, or virtiofsd where there is one, or "
            "set shared_fs.daemon");
}

TEST(Helpers, AreFoundAgainInARecord) {
  const KeptProcess main{"qemu", {1, 2}, {}};
  const KeptProcess helper{"fs-s", {3, 4}, {}};
  VmRecord record;
  record.blob = Value::map({{"helpers", helpers_to_value({main, helper})}});
  const auto found = helpers_of(record);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].name, "fs-s");
  EXPECT_EQ(found[0].identity, helper.identity);
  for (const auto& strange : {Value{}, Value{1}, Value::list({1}), Value::list({Value::map({{"pid", "x"}})})}) {
    record.blob = Value::map({{"helpers", strange}});
    EXPECT_TRUE(helpers_of(record).empty());
  }
}

}  // namespace
}  // namespace visor::sdk
