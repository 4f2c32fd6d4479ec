// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "context.hpp"
#include "visor/core/vm.hpp"

#include <memory>
#include <string>

namespace visor::cli {

/// A VM that goes, with its folder, unless it is given up to live on.
class OwnedVm {
 public:
  /// keep_folder: its folder stays when it goes.
  OwnedVm(Context& context, std::unique_ptr<Vm> vm, bool keep_folder);
  OwnedVm(const OwnedVm&) = delete;
  OwnedVm& operator=(const OwnedVm&) = delete;
  /// [blocks 30 s at most] Says on stderr what stays.
  ~OwnedVm();

  Vm& operator*() const noexcept { return *vm_; }
  Vm* operator->() const noexcept { return vm_.get(); }
  void let_go() noexcept { given_up_ = true; }

 private:
  void end();

  Context& context_;
  std::unique_ptr<Vm> vm_;
  std::string id_;
  bool keep_folder_;
  bool given_up_ = false;
};

}  // namespace visor::cli
