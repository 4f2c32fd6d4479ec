// SPDX-License-Identifier: Apache-2.0
// Each QEMU is asked once: by whoever comes first, for this process and for the next.
#include "qemu/caps/caps_source.hpp"
#include "caps_support.hpp"
#include "support/error_of.hpp"
#include "support/temporary_folder.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/io_thread.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <optional>

namespace visor::sdk {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::error_of;

constexpr auto limit = 30s;

class CapsSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cache_ = {dir_ / "qemu-caps", {}};
    write(program());
  }

  static void write(const fs::path& path) {
    std::ofstream{path, std::ios::app} << "\x7f"
                                          "ELF";
  }
  [[nodiscard]] fs::path program() const { return dir_ / "qemu"; }
  SharedCaps get(CapsSource& source) {
    return source.get(program(), cache_, [](LogLevel, std::string_view) {}, limit);
  }
  CapsSource::Ask counting() {
    return [this](const std::string& binary, const CallContext&) {
      ++asked_;
      auto caps = small_caps();
      caps.binary = binary;
      return caps;
    };
  }

  test::TemporaryFolder folder_;
  const fs::path& dir_ = folder_.path();
  CapsCache cache_;
  std::atomic<int> asked_{0};
};

TEST_F(CapsSourceTest, AProcessAsksOnce) {
  cache_ = {};
  CapsSource source{counting()};
  EXPECT_EQ(source.known(program(), cache_), nullptr);
  const auto first = get(source);
  EXPECT_EQ(first->binary, program());
  EXPECT_EQ(get(source), first);
  EXPECT_EQ(source.known(program(), cache_), first);
  EXPECT_EQ(asked_, 1);
}

TEST_F(CapsSourceTest, AnotherProcessFindsTheAnswerInTheCache) {
  CapsSource one{counting()};
  (void)get(one);
  CapsSource other{counting()};
  fs::create_symlink(program(), dir_ / "link");
  const auto found = other.known(dir_ / "link", cache_);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->binary, dir_ / "link") << "the name that was asked for";
  EXPECT_NE(get(other), nullptr);
  EXPECT_EQ(asked_, 1);
}

TEST_F(CapsSourceTest, AProgramThatWasReplacedIsAskedAnew) {
  CapsSource source{counting()};
  const auto before = get(source);
  write(program());
  EXPECT_EQ(source.known(program(), cache_), nullptr);
  EXPECT_NE(get(source), before);
  EXPECT_EQ(asked_, 2);
}

TEST_F(CapsSourceTest, AProgramThatIsReplacedWhileItIsAskedIsNotRemembered) {
  CapsSource source{[&](const std::string&, const CallContext&) {
    ++asked_;
    write(program());
    return small_caps();
  }};
  EXPECT_NE(get(source), nullptr);
  EXPECT_EQ(source.known(program(), cache_), nullptr);
}

TEST_F(CapsSourceTest, AFailureIsNotKept) {
  CapsSource source{[&](const std::string&, const CallContext&) -> QemuCaps {
    if (++asked_ == 1) throw Error(Errc::disconnected, "it died");
    return small_caps();
  }};
  EXPECT_EQ(error_of([&] { (void)get(source); }).message(), "it died");
  EXPECT_NE(get(source), nullptr);
}

TEST_F(CapsSourceTest, WhoComesMeanwhileWaitsForTheAnswer) {
  cache_ = {};
  std::promise<void> asking;
  std::promise<void> go;
  const auto may_go = go.get_future().share();
  CapsSource source{[&](const std::string&, const CallContext&) {
    if (++asked_ == 1) asking.set_value();
    may_go.wait_for(limit);
    return small_caps();
  }};
  std::vector<std::future<SharedCaps>> all;
  for (int i = 0; i < 4; ++i) all.push_back(std::async(std::launch::async, [&] { return get(source); }));
  asking.get_future().wait_for(limit);
  const auto late =
      error_of([&] { (void)source.get(program(), cache_, [](LogLevel, std::string_view) {}, CallContext{50ms}); });
  go.set_value();
  const auto first = all[0].get();
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_EQ(all[i].get(), first);
  EXPECT_EQ(asked_, 1);
  EXPECT_EQ(to_string(late.code()), "timeout") << late.what();
}

TEST_F(CapsSourceTest, ThereMustBeAProgram) {
  CapsSource source{counting()};
  fs::remove(program());
  EXPECT_EQ(source.known(program(), cache_), nullptr);
  EXPECT_EQ(to_string(error_of([&] { (void)get(source); }).code()), "not_found");
}

TEST_F(CapsSourceTest, TheIoThreadIsRefused) {
  CapsSource source{counting()};
  (void)get(source);
  std::optional<Error> error;
  IoThread::shared()->run_and_wait([&] { error = error_of([&] { (void)get(source); }); });
  ASSERT_TRUE(error);
  EXPECT_EQ(to_string(error->code()), "wrong_thread");
}

}  // namespace
}  // namespace visor::sdk
