// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/sdk/export.h"
#include "visor/sdk/process/process_identity.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What a keeper is asked to start and to watch: plain values. Bounds are checked by validate() before anything is
/// started and once more by the keeper. All paths are absolute.
namespace visor::sdk {

/// sun_path of unix(7) holds 108 bytes, one of them the final zero.
inline constexpr std::size_t max_socket_path = 107;

/// Refuses a socket path that the kernel would not take, naming the path, its length and the limit. [any thread]
/// Errors: invalid_config.
VISOR_SDK_EXPORT void check_socket_path(std::string_view path);

/// What a process finds behind one of its file descriptors.
enum class FdSource : std::uint8_t {
  null,            ///< /dev/null, read and write
  stderr_capture,  ///< write end of a pipe; see OutputCapture
  console,    ///< one end of a stream socket pair; the keeper holds the other. Main process only; may be listed twice
  listener,   ///< a listening unix stream socket that the keeper creates at `path`, mode 0600, and unlinks at the end
  inherited,  ///< a duplicate of the caller's `host_fd`
};

/// One line of the descriptor table of a process. Nothing that is not listed is open in the process, except that
/// 0, 1 and 2 default to /dev/null, /dev/null and stderr_capture.
struct FdMapping {
  int target = -1;  ///< number in the process, 0…255
  FdSource source = FdSource::null;
  std::string path;  ///< listener: where
  int host_fd = -1;  ///< inherited: borrowed, must stay open until launch() returns
};

struct Credentials {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  ///< supplementary groups: exactly these
};

struct ResourceLimit {
  int resource = 0;  ///< RLIMIT_… of getrlimit(2)
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

/// Bytes kept in memory, and in a file when log_path is set. The file never grows over its limit: at half of it the
/// file becomes `<log_path>.1` and a new one starts.
struct OutputCapture {
  std::uint32_t ring_bytes = 64 * 1024;
  std::string log_path;
  std::uint64_t log_bytes = 4 * 1024 * 1024;
};

/// One process, wholly described.
struct ProcessSpec {
  std::string name;  ///< short, unique in its set: shown in errors, status and records ("qemu", "virtiofsd0")
  std::vector<std::string> argv;  ///< argv[0] is the absolute path of the binary
  std::vector<std::string> env;   ///< "KEY=value"; the process gets these and no others
  std::vector<FdMapping> fds;
  std::string working_dir = "/";
  std::optional<Credentials> credentials;  ///< empty: those of the caller
  std::vector<ResourceLimit> limits;       ///< others are the caller's
  bool no_new_privs = false;
  int netns_fd = -1;       ///< network namespace to enter; borrowed until launch() returns; -1: the caller's
  std::string cgroup_dir;  ///< cgroup (v2) folder to join before exec; empty: the caller's
  std::string exec_label;  ///< written to /proc/self/attr/exec: an SELinux context, or "exec PROFILE" for AppArmor
  OutputCapture stderr_capture;

  /// Errors: invalid_config, naming the process and the field. [any thread] [does not block]
  VISOR_SDK_EXPORT void validate() const;
};

/// The guest's console. The keeper always drains it, keeps the newest bytes, and serves them at console.sock.
struct ConsoleSpec {
  /// Stream socket to connect to (usually a listener of the main process); the keeper connects at once and again when
  /// the connection breaks. Empty: the end that FdSource::console makes, or no console at all.
  std::string connect_path;
  OutputCapture capture{256 * 1024, {}, 16 * 1024 * 1024};
};

/// A stream socket whose lines are recorded, unread: the keeper never parses them.
struct JournalSource {
  std::string name;          ///< short; stands in each entry
  std::string connect_path;  ///< see ConsoleSpec::connect_path
  std::string
      send_on_connect;  ///< bytes to send first, each time it connects (QEMU: "{\"execute\":\"qmp_capabilities\"}\n")
};

struct JournalSpec {
  std::vector<JournalSource> sources;
  std::uint32_t ring_bytes = 256 * 1024;  ///< oldest lines go first; a line over 64 KiB is cut and marked
};

/// What a keeper does beside being the parent.
struct WatchSpec {
  ConsoleSpec console;
  JournalSpec journal;
  std::uint32_t term_ms = 3000;         ///< from SIGTERM to SIGKILL when the keeper ends the main process by itself
  std::uint32_t helper_term_ms = 2000;  ///< the same for all helpers together, once main has ended
};

/// Everything for Keeper::launch().
struct KeeperSpec {
  ProcessSpec main;
  std::vector<ProcessSpec> helpers;  ///< started before main in this order, ended after it at once
  WatchSpec watch;
  /// End everything when the creator's session closes, even after commit().
  bool ephemeral = false;

  /// Errors: invalid_config. [any thread] [does not block]
  VISOR_SDK_EXPORT void validate() const;
};

struct AdoptedProcess {
  std::string name;
  ProcessIdentity identity;
};

/// Everything for Keeper::adopt(): processes that run already and whose keeper died.
struct AdoptSpec {
  AdoptedProcess main;
  std::vector<AdoptedProcess> helpers;
  WatchSpec watch;                     ///< connect paths are those of the first launch; stderr is lost
  std::vector<std::string> listeners;  ///< listeners that the first keeper created: unlinked at the end

  /// Errors: invalid_config. [any thread] [does not block]
  VISOR_SDK_EXPORT void validate() const;
};

}  // namespace visor::sdk
