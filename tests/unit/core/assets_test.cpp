// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"
#include "visor/core/vm_config.hpp"

namespace visor {
namespace {

using testing::expect_error;

constexpr ConfigDefaults defaults{.max_vcpus = 1};
constexpr std::array kinds = {AssetKind::kernel,         AssetKind::image,    AssetKind::initrd,
                              AssetKind::early_initrd,   AssetKind::firmware, AssetKind::hypervisor,
                              AssetKind::hypervisor_ctl, AssetKind::jailer};

VmConfig configured() {
  VmConfig config;
  config.boot = {.kernel = "/kernel",
                 .image = "/image",
                 .initrd = "/initrd",
                 .early_initrd = "/early_initrd",
                 .firmware = "/firmware"};
  config.host.hypervisor_path = "/hypervisor";
  config.host.hypervisor_ctl_path = "/hypervisor_ctl";
  config.host.jailer_path = "/jailer";
  return config;
}

TEST(Assets, TheConfiguredPathOfEachKind) {
  for (const auto kind : kinds) {
    EXPECT_EQ(asset_path(configured(), kind), "/" + std::string{to_string(kind)});
    EXPECT_FALSE(is_custom_asset(configured(), kind));
  }
}
TEST(Assets, NoneIsEmpty) {
  for (const auto kind : kinds) EXPECT_EQ(asset_path(VmConfig{}, kind), "");
}
TEST(Assets, ACustomOneWinsForItsKindAlone) {
  for (const auto kind : kinds) {
    auto config = configured();
    add_custom_asset(config, {kind, "/custom", ""});
    for (const auto other : kinds) {
      EXPECT_EQ(asset_path(config, other), other == kind ? "/custom" : "/" + std::string{to_string(other)});
      EXPECT_EQ(is_custom_asset(config, other), other == kind);
    }
  }
}
TEST(Assets, AddingAgainReplaces) {
  auto config = configured();
  add_custom_asset(config, {AssetKind::kernel, "/a", ""});
  add_custom_asset(config, {AssetKind::kernel, "/b", ""});
  EXPECT_EQ(asset_path(config, AssetKind::kernel), "/b");
  EXPECT_EQ(config.assets.size(), 1U);
}
TEST(Assets, AnEmptyPathIsIgnored) {
  auto config = configured();
  add_custom_asset(config, {AssetKind::kernel, "", ""});
  EXPECT_TRUE(config.assets.empty());
}
TEST(Assets, ARelativePathIsRefused) {
  auto config = configured();
  expect_error(Errc::invalid_config, "The custom image at img must have an absolute path",
               [&] { add_custom_asset(config, {AssetKind::image, "img", ""}); });
  EXPECT_TRUE(config.assets.empty());
}
TEST(Assets, AnUnknownKindIsRefused) {
  auto config = configured();
  expect_error(Errc::invalid_config, "Unknown kind of asset at /x",
               [&] { add_custom_asset(config, {static_cast<AssetKind>(99), "/x", ""}); });
}

TEST(Assets, NormalisingWritesThemToTheFields) {
  VmConfig config;
  config.assets = {{AssetKind::kernel, "/k", ""}, {AssetKind::initrd, "/i", ""}, {AssetKind::hypervisor, "/h", ""}};
  const auto result = normalised(config, defaults);
  EXPECT_EQ(result.boot.kernel, "/k");
  EXPECT_EQ(result.boot.initrd, "/i");
  EXPECT_EQ(result.host.hypervisor_path, "/h");
  EXPECT_TRUE(is_custom_asset(result, AssetKind::kernel));
}
TEST(Assets, ACustomImagePutsTheConfiguredInitrdAside) {
  auto config = configured();
  config.boot.image.clear();
  config.assets = {{AssetKind::image, "/custom", ""}};
  const auto result = normalised(config, defaults);
  EXPECT_EQ(result.boot.image, "/custom");
  EXPECT_EQ(result.boot.initrd, "");
}
TEST(Assets, ACustomInitrdPutsTheConfiguredImageAside) {
  auto config = configured();
  config.boot.initrd.clear();
  config.assets = {{AssetKind::initrd, "/custom", ""}};
  const auto result = normalised(config, defaults);
  EXPECT_EQ(result.boot.initrd, "/custom");
  EXPECT_EQ(result.boot.image, "");
}
TEST(Assets, BothCustomConflict) {
  auto config = configured();
  config.assets = {{AssetKind::initrd, "/a", ""}, {AssetKind::image, "/b", ""}};
  expect_error(Errc::invalid_config, "cannot both be set", [&] { normalised(config, defaults); });
}
TEST(Assets, TwoOfAKindAreRefused) {
  auto config = configured();
  config.assets = {{AssetKind::kernel, "/a", ""}, {AssetKind::kernel, "/b", ""}};
  expect_error(Errc::invalid_config, "assets: There are two for the kernel", [&] { normalised(config, defaults); });
}
TEST(Assets, AHashHasTheRightForm) {
  for (const auto& hash : {std::string(127, 'a'), std::string(128, 'A'), std::string(128, 'g'), std::string{"x"}}) {
    auto config = configured();
    config.assets = {{AssetKind::kernel, "/a", hash}};
    expect_error(Errc::invalid_config, "must be 128 hexadecimal digits", [&] { normalised(config, defaults); });
  }
}

}  // namespace
}  // namespace visor
