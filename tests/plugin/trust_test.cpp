// SPDX-License-Identifier: Apache-2.0
// As root, nothing that others may write is loaded.
#include "support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tuple>

namespace {

using namespace plugin_test;
using testing::HasSubstr;
using visor::Errc;
using visor::SearchStatus;

constexpr uid_t nobody = 65534;

class Trust : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: others are trusted as far as this user trusts them";
    folder = base.path() / "outer" / "plugins";
    std::filesystem::create_directories(folder);
    file = PluginFile{"polite"}.write(folder / "polite.so");
    for (const auto& path : {file, folder, folder.parent_path()}) ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
  }
  [[nodiscard]] visor::PluginInfo only() const { return registry_of(folder).plugins().at(0); }
  void expect_refused(const std::filesystem::path& culprit) const {
    const auto info = only();
    EXPECT_EQ(info.refusal, Errc::permission_denied);
    EXPECT_THAT(info.reason, HasSubstr(culprit.string()));
    EXPECT_EQ(info.name, "polite") << "it can still be asked for, to hear the reason";
  }

  TempDir base;
  std::filesystem::path folder;
  std::filesystem::path file;
};

TEST_F(Trust, AcceptsWhatOnlyRootMayWrite) { EXPECT_TRUE(only().accepted()) << only().reason; }

TEST_F(Trust, RefusesAFileThatOthersMayWrite) {
  for (const mode_t mode : {0757u, 0775u, 0777u}) {
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
    expect_refused(file);
  }
}

TEST_F(Trust, RefusesAFileOfSomebodyElse) {
  ASSERT_EQ(::chown(file.c_str(), nobody, nobody), 0);
  expect_refused(file);
  EXPECT_THAT(only().reason, HasSubstr("65534"));
}

TEST_F(Trust, RefusesAFolderThatOthersMayWrite) {
  ASSERT_EQ(::chmod(folder.c_str(), 0777), 0);
  expect_refused(folder);
  const auto registry = registry_of(folder);
  EXPECT_EQ(registry.searched().at(0).status, SearchStatus::refused);
  EXPECT_THAT(registry.searched()[0].detail, HasSubstr("chmod go-w " + folder.string()));
}

TEST_F(Trust, RefusesAFolderAboveThatOthersMayWrite) {
  ASSERT_EQ(::chmod(folder.parent_path().c_str(), 0775), 0);
  expect_refused(folder.parent_path());
  ASSERT_EQ(::chmod(folder.parent_path().c_str(), 0755), 0);
  ASSERT_EQ(::chown(folder.parent_path().c_str(), nobody, nobody), 0);
  expect_refused(folder.parent_path());
}

TEST_F(Trust, AcceptsAStickyFolderAbove) {
  ASSERT_EQ(::chmod(folder.parent_path().c_str(), 01777), 0);
  EXPECT_TRUE(only().accepted()) << only().reason;
}

TEST_F(Trust, RefusesALinkIntoAFolderThatOthersMayWrite) {
  const auto open_folder = base.path() / "open";
  std::filesystem::create_directory(open_folder);
  ASSERT_EQ(::chmod(open_folder.c_str(), 0777), 0);
  std::filesystem::rename(file, open_folder / "polite.so");
  std::filesystem::create_symlink(open_folder / "polite.so", file);
  expect_refused(open_folder);
}

TEST_F(Trust, LooksAgainBeforeItLoads) {
  auto registry = registry_of(folder);
  ASSERT_EQ(::chmod(file.c_str(), 0777), 0);
  const auto error = error_of([&] { std::ignore = registry.open_hypervisor("polite"); });
  EXPECT_EQ(error.code(), Errc::permission_denied);
  EXPECT_FALSE(mapped(file));
}

TEST_F(Trust, AnotherUserDecidesForHimself) {
  for (const auto& path : {file, folder, folder.parent_path(), base.path()}) ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
  ASSERT_EQ(::seteuid(nobody), 0);
  const auto info = only();
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_TRUE(info.accepted()) << info.reason;
}

}  // namespace
