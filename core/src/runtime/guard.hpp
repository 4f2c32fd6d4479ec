// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/error.hpp"
#include "visor/core/extension.hpp"
#include "visor/core/hypervisor.hpp"
#include "visor/core/qemu_arch.hpp"
#include "visor/core/vm.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

/// Guards stand between a host and what a plugin returns. Each keeps alive what its object needs (library, then
/// hypervisor, then VM, then console and extensions) and lets only visor::Error out, so that nothing a host holds or
/// catches depends on the plugin's code. The classes are final and override every method: one that is added to an
/// interface does not compile until it has its guard.
namespace visor::detail {

/// Which plugin an object comes from, and its library.
struct Origin {
  std::string plugin;
  std::shared_ptr<const void> library;
};
using OriginPtr = std::shared_ptr<const Origin>;

/// Rethrows the exception being handled as an Error that has nothing of the plugin in it.
[[noreturn]] void rethrow_as_error(const Origin& origin, std::string_view where);
[[noreturn]] void throw_null(const Origin& origin, std::string_view where);

/// Runs plugin code. `where` is what a person reads when it throws something of its own.
template <class Function>
decltype(auto) translate(const Origin& origin, std::string_view where, Function&& function) {
  try {
    return std::forward<Function>(function)();
  } catch (...) {
    // The foreign exception ends with this handler, while the caller still holds the library.
    rethrow_as_error(origin, where);
  }
}

/// An object of a plugin with all that must outlive it: members are destroyed from the last to the first.
template <class T>
class Held {
 public:
  Held(OriginPtr origin, std::shared_ptr<const void> parent, std::shared_ptr<T> object) noexcept
      : origin_{std::move(origin)}, parent_{std::move(parent)}, object_{std::move(object)} {}

  template <class Method, class... Args>
  decltype(auto) call(std::string_view where, Method method, Args&&... args) const {
    return translate(*origin_, where,
                     [&]() -> decltype(auto) { return std::invoke(method, *object_, std::forward<Args>(args)...); });
  }
  [[nodiscard]] const OriginPtr& origin() const noexcept { return origin_; }
  [[nodiscard]] T* get() const noexcept { return object_.get(); }

 private:
  OriginPtr origin_;
  std::shared_ptr<const void> parent_;
  std::shared_ptr<T> object_;
};
template <class T>
using HeldPtr = std::shared_ptr<const Held<T>>;

/// Takes what a plugin returned from `where`; throws when that is nothing.
template <class T, class Pointer>
HeldPtr<T> hold(OriginPtr origin, std::shared_ptr<const void> parent, std::string_view where, Pointer object) {
  if (!object) throw_null(*origin, where);
  return std::make_shared<const Held<T>>(std::move(origin), std::move(parent), std::shared_ptr<T>{std::move(object)});
}

/// The object itself, but with a reference count of ours that keeps its library: for classes without a guard. The
/// plugin's own shared_ptr may have a count whose code lies in the plugin.
template <class T>
std::shared_ptr<T> keep_library(const HeldPtr<T>& held) {
  return {held, held->get()};
}

std::shared_ptr<Hypervisor> guard_hypervisor(HeldPtr<Hypervisor> hypervisor);
std::unique_ptr<Vm> guard_vm(HeldPtr<Vm> vm);
std::unique_ptr<Console> guard_console(HeldPtr<Console> console);
std::shared_ptr<const QemuArch> guard_arch(HeldPtr<const QemuArch> arch);
/// Null stays null; an extension that core does not know passes as it is.
std::shared_ptr<Extension> guard_extension(const OriginPtr& origin, std::shared_ptr<const void> parent,
                                           std::string_view id, std::shared_ptr<Extension> extension);

}  // namespace visor::detail
