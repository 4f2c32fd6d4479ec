// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "support/temporary_folder.hpp"
#include "visor/sdk/device/command_line.hpp"

#include <string>
#include <vector>

namespace visor::test {

/// The files that scenarios imagine, as real ones in a folder of their own, which is removed with this object. They are
/// what QEMU takes and no more: nothing in them runs.
class ImaginedFiles {
 public:
  explicit ImaginedFiles(const std::string& arch);

  /// A text in which the imagined paths are exchanged for real ones.
  [[nodiscard]] std::string real(std::string text) const;
  [[nodiscard]] std::vector<sdk::CommandLine::Argument> real(std::vector<sdk::CommandLine::Argument> arguments) const;

 private:
  TemporaryFolder folder_;
};

}  // namespace visor::test
