// SPDX-License-Identifier: Apache-2.0
#include "qemu_vm.hpp"

#include "exit_cause.hpp"
#include "visor/core/error.hpp"

#include <utility>

namespace visor::sdk {

/// A KVM that answers may still not work: QEMU is the one to find out, and dies of it before its first word. When KVM
/// was nobody's wish, the guest is emulated then.
void QemuVm::launch_with_or_without_kvm(const Arrival* from, const CallContext& call) {
  auto with_kvm = prepare_launch(from, call);
  if (!with_kvm.chose_kvm()) return launch(from, call);
  std::optional<std::string> end;
  try {
    return launch(from, call);
  } catch (const Error& error) {
    end = end_behind(error);
    if (!end) throw;
    settle(settle_limit);  // the keeper tells of the end before it has written it down
    if (helper_failed(run_dir_.string())) throw;
  }
  undo_launch(nullptr);
  if (launched()) throw Error(Errc::disconnected, *end);
  if (from != nullptr) throw Error(Errc::unsupported, "The state is of a VM that ran by kvm: " + *end);
  starting_ = true;
  driver_->log(LogLevel::debug, id_, "QEMU did not start with KVM; trying without: " + *end);
  try {
    prepared_ = with_kvm.without_kvm(*driver_, *end);
    launch(nullptr, call);
  } catch (const Error& error) {
    prepared_ = std::move(with_kvm);  // another start begins anew
    if (session()) throw;
    throw Error(Errc::disconnected, *end + "; without KVM: " + error.message());
  }
}

}  // namespace visor::sdk
