// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "support/error_of.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/process/keeper.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace visor::sdk {

using test::error_of;

/// Every test has a run folder of its own, and must leave no process and no descriptor behind.
class ProcessTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// A bound for what must happen; nothing is judged by how long it takes.
  static Deadline soon();
  [[nodiscard]] LaunchOptions options() const;
  [[nodiscard]] std::string file(std::string_view name) const { return dir_ + '/' + std::string{name}; }

  /// A shell script as main process; its console is fd 0 and 1 when asked for.
  static KeeperSpec shell(const std::string& script, bool console = false);
  static ProcessSpec shell_process(const std::string& name, const std::string& script);
  static KeeperSpec probe(std::vector<std::string> arguments);
  Keeper launch(const KeeperSpec& spec) const { return Keeper::launch(spec, options()); }

  /// The next event, which must be of this kind.
  static KeeperEvent expect_event(Keeper& keeper, KeeperEvent::Kind kind);
  static ExitRecord expect_exit(Keeper& keeper);
  /// The folder holds the record and nothing that was for the living.
  void expect_cleaned() const;

  std::string dir_;

 private:
  std::size_t fds_before_ = 0;
};

/// Reads a stream until it has brought `end`; the text up to it and beyond. Fails the test when it closes before.
std::string read_until(int fd, std::string_view end);
/// Reads a stream to its end.
std::string read_all(int fd);
void write_all(int fd, std::string_view text);
std::string read_file(const std::string& path);
bool exists(const std::string& path);

}  // namespace visor::sdk
