// SPDX-License-Identifier: Apache-2.0
#include "owned_vm.hpp"

#include "visor/core/error.hpp"

#include <chrono>
#include <exception>
#include <utility>

namespace visor::cli {
namespace {

constexpr std::chrono::seconds cleanup_limit{15};

}  // namespace

OwnedVm::OwnedVm(Context& context, std::unique_ptr<Vm> vm, bool keep_folder)
    : context_{context}, vm_{std::move(vm)}, id_{vm_->id()}, keep_folder_{keep_folder} {}

OwnedVm::~OwnedVm() {
  try {
    end();
  } catch (const Error& error) {
    if (error.code() == Errc::not_found) return;  // somebody else removed it
    write_stderr("visor: Cannot clean up the VM '" + id_ + "': " + printable_lines(error.message()) + "\n");
  } catch (const std::exception&) {
    // Out of memory, at the end of the program: the keeper ends what the lifeline held.
  }
}

void OwnedVm::end() {
  if (given_up_) return;
  StopOptions options;
  options.force = true;
  vm_->stop(options, cleanup_limit);
  vm_->disconnect();
  vm_.reset();
  if (!keep_folder_) context_.runtime().remove(id_, true, cleanup_limit);
}

}  // namespace visor::cli
