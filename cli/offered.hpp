// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "context.hpp"
#include "visor/core/vm.hpp"

#include <memory>
#include <string>
#include <utility>

namespace visor::cli {

/// A VM, and what it offers under an interface's id.
template <class Interface>
struct Offered {
  std::unique_ptr<Vm> vm;
  std::shared_ptr<Interface> interface;
};

template <class Interface>
Offered<Interface> offered(Context& context, const std::string& id, const std::string& why_not,
                           const CallContext& call) {
  context.hints = {{Errc::not_found, "visor ps lists the VMs"}};
  auto vm = context.runtime().attach(id, call);
  auto found = std::dynamic_pointer_cast<Interface>(vm->extension(Interface::id));
  if (!found) throw Error(Errc::unsupported, "The VM '" + id + "' " + why_not);
  return {std::move(vm), std::move(found)};
}

}  // namespace visor::cli
