// SPDX-License-Identifier: Apache-2.0
// The cache of what QEMUs can do: it helps, or it is as if it were not there.
#include "qemu/caps/caps_cache.hpp"
#include "caps_support.hpp"
#include "support/error_of.hpp"
#include "support/temporary_folder.hpp"
#include "visor/core/error.hpp"
#include "visor/core/file.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

namespace visor::sdk {
namespace {

namespace fs = std::filesystem;
using test::error_of;

class CapsCacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ofstream{program()} << "\x7f"
                                "ELF";
  }

  [[nodiscard]] fs::path program() const { return dir_ / "qemu"; }
  [[nodiscard]] fs::path folder() const { return dir_ / "cache" / "qemu-caps"; }
  CapsCache cache() {
    return {folder(), [this](LogLevel, std::string_view text) { lines_ += std::string{text} + '\n'; }};
  }
  [[nodiscard]] CachedCaps cached() const { return {identify_binary(program()), small_caps()}; }
  fs::path saved() {
    cache().save(cached());
    return cache().file_of(cached().identity);
  }
  static std::optional<QemuCaps> plain(std::optional<QemuCaps> caps) {
    if (caps) caps->kept_in.clear();
    return caps;
  }
  /// What is in the file does not count, the log says why, and the next save() repairs it.
  void expect_passed_over(const std::string& why) {
    EXPECT_EQ(cache().load(cached().identity), std::nullopt);
    EXPECT_NE(lines_.find(why), std::string::npos) << lines_;
    EXPECT_EQ(plain(cache().load((saved(), cached().identity))), small_caps()) << lines_;
  }

  test::TemporaryFolder folder_;
  const fs::path& dir_ = folder_.path();
  std::string lines_;
};

unsigned mode_of(const fs::path& path) {
  struct stat facts{};
  EXPECT_EQ(::lstat(path.c_str(), &facts), 0) << path;
  return facts.st_mode & 0777U;
}

TEST_F(CapsCacheTest, KeepsWhatWasSavedForThisUserAlone) {
  EXPECT_EQ(cache().load(cached().identity), std::nullopt);
  const auto file = saved();
  EXPECT_EQ(cache().load(cached().identity)->kept_in, cache().file_of(cached().identity).string());
  EXPECT_EQ(plain(cache().load(cached().identity)), small_caps());
  EXPECT_EQ(mode_of(file), 0600U);
  EXPECT_EQ(mode_of(folder()), 0700U);
  EXPECT_EQ(lines_, "");
  EXPECT_EQ(std::distance(fs::directory_iterator{folder()}, {}), 1) << "a temporary file was left";
}

TEST_F(CapsCacheTest, AProgramThatChangedIsAnother) {
  (void)saved();
  const auto before = cached().identity;
  std::ofstream{program(), std::ios::app} << "more";
  EXPECT_NE(identify_binary(program()), before);
  expect_passed_over("has changed");
}

TEST_F(CapsCacheTest, AProgramThatWasReplacedByOneOfTheSameSizeAndTimeIsAnother) {
  (void)saved();
  const auto time = fs::last_write_time(program());
  fs::copy_file(program(), dir_ / "new");
  fs::rename(dir_ / "new", program());
  fs::last_write_time(program(), time);
  expect_passed_over("has changed");
}

TEST_F(CapsCacheTest, LinksLeadToOneProgram) {
  fs::create_symlink(program(), dir_ / "link");
  EXPECT_EQ(identify_binary(dir_ / "link"), identify_binary(program()));
  EXPECT_EQ(to_string(error_of([&] { (void)identify_binary(dir_ / "none"); }).code()), "not_found");
}

TEST_F(CapsCacheTest, PassesOverABrokenFile) {
  std::ofstream{saved()} << "{ this is no JSON";
  expect_passed_over("is passed over");
}

TEST_F(CapsCacheTest, PassesOverATruncatedFile) {
  const auto file = saved();
  fs::resize_file(file, fs::file_size(file) / 2);
  expect_passed_over("is passed over");
}

TEST_F(CapsCacheTest, PassesOverAnotherFormat) {
  const auto file = saved();
  auto text = read_file(file);
  const auto version = "\"version\":" + std::to_string(caps_format);
  const auto at = text.find(version);
  ASSERT_NE(at, std::string::npos) << text;
  std::ofstream{file} << text.replace(at, version.size(), "\"version\":0");
  expect_passed_over("another format version");
}

TEST_F(CapsCacheTest, PassesOverAFileThatIsTooLarge) {
  fs::resize_file(saved(), max_caps_bytes + 1);
  expect_passed_over("too large");
}

TEST_F(CapsCacheTest, PassesOverAFileThatOthersMayWrite) {
  fs::permissions(saved(), fs::perms::others_write, fs::perm_options::add);
  expect_passed_over("others may have written it");
}

TEST_F(CapsCacheTest, PassesOverALinkAndDoesNotWriteThroughIt) {
  const auto file = saved();
  fs::rename(file, dir_ / "elsewhere");
  fs::create_symlink(dir_ / "elsewhere", file);
  std::ofstream{dir_ / "elsewhere"} << "precious";
  expect_passed_over("cannot be read");
  EXPECT_EQ(read_file(dir_ / "elsewhere"), "precious");
}

TEST_F(CapsCacheTest, PassesOverAFileOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  ASSERT_EQ(::chown(saved().c_str(), 12345, 12345), 0);
  expect_passed_over("others may have written it");
}

TEST_F(CapsCacheTest, AFolderThatOthersMayWriteIsNotUsed) {
  (void)saved();
  fs::remove_all(folder());
  fs::create_directory(folder());
  fs::permissions(folder(), fs::perms::all);
  (void)saved();
  EXPECT_NE(lines_.find("is not kept"), std::string::npos) << lines_;
  EXPECT_TRUE(fs::is_empty(folder()));
}

TEST_F(CapsCacheTest, AFolderThatCannotBeMadeIsNoError) {
  std::ofstream{dir_ / "cache"} << "a file where the folder should be";
  (void)saved();
  EXPECT_NE(lines_.find("is not kept"), std::string::npos) << lines_;
  EXPECT_EQ(cache().load(cached().identity), std::nullopt);
}

TEST_F(CapsCacheTest, WithoutAFolderNothingIsKept) {
  const CapsCache none;
  none.save(cached());
  EXPECT_EQ(none.load(cached().identity), std::nullopt);
}

TEST_F(CapsCacheTest, AScriptIsNotKept) {
  std::ofstream{program()} << "#!/bin/sh\nexec qemu \"$@\"\n";
  EXPECT_FALSE(fs::exists(saved()));
}

TEST_F(CapsCacheTest, ManyWritersAndReadersSeeWholeFiles) {
  (void)saved();
  const auto identity = cached().identity;
  std::vector<std::thread> threads;
  std::atomic<int> broken{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const CapsCache cache{folder(), {}};
      for (int round = 0; round < 25; ++round) {
        cache.save({identity, small_caps()});
        if (plain(cache.load(identity)) != small_caps()) ++broken;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(broken, 0);
  EXPECT_EQ(std::distance(fs::directory_iterator{folder()}, {}), 1);
}

}  // namespace
}  // namespace visor::sdk
