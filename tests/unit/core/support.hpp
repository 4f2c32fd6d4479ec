// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "support/error_of.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace visor::testing {

using test::error_of;

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Expects an error of this code whose message has this part.
template <class Function>
void expect_error(Errc code, const std::string& part, const Function& function) {
  const auto error = error_of(function);
  EXPECT_EQ(to_string(error.code()), to_string(code)) << error.message();
  EXPECT_TRUE(contains(error.message(), part)) << "'" << error.message() << "' does not have '" << part << "'";
}

/// A folder that is removed with all that is in it.
class TempDir {
 public:
  TempDir() {
    auto name = (std::filesystem::temp_directory_path() / "visor-test.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Writes a file and returns its path.
  [[nodiscard]] std::string file(const std::string& name, const std::string& content) const {
    const auto path = path_ / name;
    std::ofstream{path, std::ios::binary} << content;
    return path.string();
  }

 private:
  std::filesystem::path path_;
};

}  // namespace visor::testing
