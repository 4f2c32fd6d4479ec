// SPDX-License-Identifier: Apache-2.0
#include "qemu_vm.hpp"

#include "exit_cause.hpp"
#include "visor/core/error.hpp"

#include <utility>

namespace visor::sdk {

/// A KVM that answers may still not work: QEMU is the one to find out, and dies of it before its first word. When KVM
/// was nobody's wish, the guest is emulated then.
void QemuVm::launch_with_or_without_kvm(const CallContext& call) {
  auto with_kvm = prepared(call);
  if (!with_kvm.chose_kvm()) return launch(call);
  std::optional<std::string> end;
  try {
    return launch(call);
  } catch (const Error& error) {
    end = end_behind(error);
    if (!end || helper_failed(run_dir_.string())) throw;
  }
  undo_launch(nullptr);
  if (launched()) throw Error(Errc::disconnected, *end);
  starting_ = true;
  driver_->log(LogLevel::debug, id_, "QEMU did not start with KVM; trying without: " + *end);
  try {
    prepared_ = with_kvm.without_kvm(*driver_, *end);
    launch(call);
  } catch (const Error& error) {
    prepared_ = std::move(with_kvm);  // another start begins anew
    if (session()) throw;
    throw Error(Errc::disconnected, *end + "; without KVM: " + error.message());
  }
}

}  // namespace visor::sdk
