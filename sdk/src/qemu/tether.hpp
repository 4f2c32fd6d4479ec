// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>

namespace visor::sdk {

class QemuVm;

/// How an extension reaches the handle that made it, which it may outlive. [any thread]
class Tether {
 public:
  explicit Tether(QemuVm& vm) noexcept : vm_{&vm} {}
  Tether(const Tether&) = delete;
  Tether& operator=(const Tether&) = delete;
  ~Tether() = default;

  /// The handle, which stays while this lives.
  class Hold {
   public:
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold();
    QemuVm* operator->() const noexcept { return tether_.vm_; }
    QemuVm& operator*() const noexcept { return *tether_.vm_; }

   private:
    friend class Tether;
    explicit Hold(Tether& tether) noexcept : tether_{tether} {}
    Tether& tether_;
  };
  /// Throws disconnected when the handle is gone.
  [[nodiscard]] Hold hold();
  /// Lets nobody in any more. [blocks until the calls that are under way have ended, each at its own deadline]
  void cut() noexcept;

 private:
  std::mutex mutex_;
  std::condition_variable free_;
  QemuVm* const vm_;
  int holders_ = 0;
  bool cut_ = false;
};

}  // namespace visor::sdk
