// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"
#include "visor/core/vm_config.hpp"

#include <sys/stat.h>
#include <unistd.h>

namespace visor {
namespace {

using testing::expect_error;

// SHA-512 of "abc", from FIPS 180-2, appendix C.1.
constexpr const char* sha512_of_abc =
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

class BootFiles : public ::testing::Test {
 protected:
  BootFiles() {
    config.boot.kernel = dir.file("kernel", "k");
    config.boot.initrd = dir.file("initrd", "i");
    config.memory.size_mib = 16;
  }
  void refuses(Errc code, const std::string& why) {
    expect_error(code, why, [this] { check_boot_files(config); });
  }

  testing::TempDir dir;
  VmConfig config;
};

TEST_F(BootFiles, GoodOnesPass) { EXPECT_NO_THROW(check_boot_files(config)); }
TEST_F(BootFiles, UnsetOnesAreNotLookedAt) { EXPECT_NO_THROW(check_boot_files(VmConfig{})); }
TEST_F(BootFiles, MissingOnesAreNamedWithTheirField) {
  config.boot.kernel = dir.path() / "none";
  refuses(Errc::not_found, "boot.kernel: cannot open " + config.boot.kernel);
  config.boot.kernel.clear();
  config.boot.image = dir.path() / "none";
  refuses(Errc::not_found, "boot.image: ");
  config.boot.image.clear();
  config.boot.pflash = {config.boot.initrd, dir.path() / "none"};
  refuses(Errc::not_found, "boot.pflash[1]: ");
}
TEST_F(BootFiles, UnreadableOnesAreNamed) {
  if (::geteuid() == 0) {
    // Root reads everything; a name that is too deep is refused to root as well, with another code.
    config.boot.kernel = config.boot.initrd + "/below-a-file";
    return refuses(Errc::io_error, "boot.kernel: cannot open");
  }
  ASSERT_EQ(::chmod(config.boot.kernel.c_str(), 0), 0);
  refuses(Errc::permission_denied, "boot.kernel: cannot open");
}
TEST_F(BootFiles, EmptyOnesAreRefused) {
  config.boot.initrd = dir.file("empty", "");
  refuses(Errc::invalid_config, "boot.initrd: " + config.boot.initrd + " is empty");
}
TEST_F(BootFiles, FoldersAreRefused) {
  config.boot.kernel = dir.path();
  refuses(Errc::invalid_config, "is not a file");
}
TEST_F(BootFiles, AFifoDoesNotBlock) {
  config.boot.kernel = dir.path() / "fifo";
  ASSERT_EQ(::mkfifo(config.boot.kernel.c_str(), 0600), 0);
  refuses(Errc::invalid_config, "is not a file");
}
TEST_F(BootFiles, ACharacterDeviceIsRefused) {
  config.boot.image = "/dev/zero";
  refuses(Errc::invalid_config, "boot.image: /dev/zero is not a file");
}
TEST_F(BootFiles, AnInitrdMustFitIntoMemory) {
  ASSERT_EQ(::truncate(config.boot.initrd.c_str(), 16 << 20), 0);
  refuses(Errc::invalid_config, "has 16 MiB and does not fit into memory.size, which is 16 MiB");
  config.boot.image = std::exchange(config.boot.initrd, {});
  EXPECT_NO_THROW(check_boot_files(config));
  config.boot.early_initrd = config.boot.image;
  refuses(Errc::invalid_config, "boot.early_initrd: ");
}

TEST_F(BootFiles, AMatchingHashPasses) {
  config.assets = {{AssetKind::kernel, dir.file("abc", "abc"), sha512_of_abc}};
  EXPECT_NO_THROW(check_boot_files(config));
}
TEST_F(BootFiles, ADifferentHashIsRefused) {
  config.assets = {{AssetKind::kernel, dir.file("abd", "abd"), sha512_of_abc}};
  refuses(Errc::invalid_config, "Invalid hash of the custom kernel at " + config.assets[0].path);
}
TEST_F(BootFiles, ALongFileIsHashedWhole) {
  const std::string million(1'000'000, 'a');  // FIPS 180-2, appendix C.3
  EXPECT_NO_THROW(verify_asset({AssetKind::image, dir.file("million", million),
                                "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
                                "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b"}));
}
TEST_F(BootFiles, WithoutAHashTheFileIsNotRead) {
  EXPECT_NO_THROW(verify_asset({AssetKind::image, "/nonexistent", ""}));
}
TEST_F(BootFiles, AHashOfNothingIsRefused) {
  expect_error(Errc::not_found,
               "custom image: ", [] { verify_asset({AssetKind::image, "/nonexistent", sha512_of_abc}); });
  const auto empty = dir.file("empty", "");
  expect_error(Errc::invalid_config, "is empty", [&] { verify_asset({AssetKind::image, empty, sha512_of_abc}); });
  expect_error(Errc::invalid_config, "is not a file",
               [] { verify_asset({AssetKind::image, "/dev/zero", sha512_of_abc}); });
}

}  // namespace
}  // namespace visor
