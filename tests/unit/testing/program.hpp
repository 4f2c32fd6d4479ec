// SPDX-License-Identifier: Apache-2.0
// A program of the test doubles, with sockets that it inherits.
#pragma once
#include "raw_client.hpp"
#include "visor/core/unique_fd.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace visor::testing {

class ProgramTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// A socket that listens below the test's folder.
  UniqueFd listen(const std::string& name) const;
  [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void write(const std::string& name, std::string_view text) const;
  /// Starts it; it inherits these descriptors under their numbers. One at a time.
  void start(const std::string& program, const std::vector<std::string>& arguments, const std::vector<int>& fds = {});
  void signal(int number) const;
  /// Waits for its end: the exit code, or 128 and the signal.
  int wait();
  /// What it wrote to its output, and to stderr.
  [[nodiscard]] std::string output() const { return read("out"); }
  [[nodiscard]] std::string errors() const { return read("err"); }
  [[nodiscard]] std::string read(const std::string& name) const;

 private:
  std::filesystem::path folder_;
  int pid_ = -1;
};

}  // namespace visor::testing
