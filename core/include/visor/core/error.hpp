// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/export.h"

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

namespace visor {

/// What kind of failure an Error is. Callers must accept values they do not know: later versions may add some.
enum class Errc : std::uint32_t {
  invalid_config = 1,   ///< the caller's configuration or argument is wrong; nothing was started
  not_found,            ///< a named thing (plugin, VM, file, device, binary) does not exist
  incompatible_plugin,  ///< a file is no plugin, or one built for another ABI or compiler runtime
  unsupported,          ///< this plugin, machine, host or hypervisor version cannot do it
  timeout,              ///< the deadline passed
  disconnected,         ///< the peer closed the connection or its process ended
  hypervisor_error,     ///< the hypervisor answered a command with an error
  wrong_thread,         ///< a blocking call on the I/O thread
  cancelled,            ///< the caller cancelled the call
  invalid_state,        ///< not allowed in the VM's present state; the message names both states
  already_exists,       ///< an id or a file that must be new is taken
  busy,                 ///< another owner holds it; the message names the owner
  permission_denied,    ///< the host refused access, or a file is not safe to trust
  exhausted,            ///< a limit is reached; the message names the limit
  io_error,             ///< the operating system failed a read, a write or a system call
  internal,             ///< a defect in visorkit or in a plugin
};

/// The stable, lower-case name of a code, as used in JSON output ("invalid_config"); "unknown" for a value not known.
VISOR_CORE_EXPORT std::string_view to_string(Errc code) noexcept;

/// The one exception type of visorkit. What a host program catches is always this type, whatever a plugin threw.
///
/// The message is one sentence that starts with a capital letter and says what failed, where, and what to do.
/// Copying never throws away text and is safe between threads.
class VISOR_CORE_EXPORT Error : public std::exception {
 public:
  Error(Errc code, std::string message);
  Error(const Error&);
  Error(Error&&) noexcept;
  Error& operator=(const Error&);
  Error& operator=(Error&&) noexcept;
  ~Error() override;

  [[nodiscard]] const char* what() const noexcept override;
  [[nodiscard]] Errc code() const noexcept;
  [[nodiscard]] const std::string& message() const noexcept;

 private:
  Errc code_;
  std::string message_;
};

/// An Error for a failed system call: "<what>: <text of the errno value>".
/// EACCES and EPERM become permission_denied, ENOENT not_found, EEXIST already_exists, ENAMETOOLONG invalid_config, all
/// others io_error.
VISOR_CORE_EXPORT Error system_error(std::string_view what, int errno_value);

}  // namespace visor
