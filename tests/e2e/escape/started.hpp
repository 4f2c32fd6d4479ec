// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "told.hpp"
#include "visor/core/hypervisor.hpp"
#include "visor/core/vm.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace visor::test {

/// The product's driver for an architecture, with the keeper of this build. It lives as long as the program.
Hypervisor& hypervisor_of(const std::string& arch);
/// Whether its QEMU is installed.
bool has_qemu(const std::string& arch);

/// A VM of the product that was started and stands before its first instruction. It is stopped with this object.
class Started {
 public:
  /// Throws what the start throws.
  Started(const std::string& arch, const VmConfig& config, const std::filesystem::path& run_dir);
  Started(const Started&) = delete;
  Started& operator=(const Started&) = delete;
  ~Started();

  [[nodiscard]] Told& told() { return *told_; }
  [[nodiscard]] int pid() const { return pid_; }

 private:
  std::unique_ptr<Vm> vm_;
  int pid_ = -1;
  std::unique_ptr<Told> told_;
};

}  // namespace visor::test
