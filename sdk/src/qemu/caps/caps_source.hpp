// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "caps_cache.hpp"
#include "visor/core/call.hpp"
#include "visor/core/qemu_caps.hpp"
#include "visor/sdk/gate.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace visor::sdk {

/// Nobody changes it; all who hold it share it.
using SharedCaps = std::shared_ptr<const QemuCaps>;

/// What the QEMUs of this host can do, each asked once: by this process, or by another one that left its answer in the
/// cache. A program that was replaced is asked anew. [any thread]
class CapsSource {
 public:
  /// Asks a program itself; probe_caps() unless a test has its own.
  using Ask = std::function<QemuCaps(const std::string& binary, const CallContext& call)>;
  explicit CapsSource(Ask ask);

  /// One asks, others who want the same program meanwhile wait for that. [blocks ≤ deadline, on the first use of a
  /// program; file I/O on every use] Errors as probe_caps(): nothing is kept of a probe that failed. wrong_thread also
  /// when nothing would be asked.
  SharedCaps get(const std::string& binary, const CapsCache& cache, const CapsLog& log, const CallContext& call);
  /// The same without asking the program: null when nobody has yet, or there is no such program. [file I/O]
  SharedCaps known(const std::string& binary, const CapsCache& cache);

  /// The one of this process.
  static CapsSource& shared();

 private:
  struct Entry {
    Gate asking;
    BinaryIdentity identity;
    SharedCaps caps;
  };
  std::shared_ptr<Entry> entry_of(const std::string& path);
  SharedCaps remembered(const Entry& entry, const BinaryIdentity& identity);
  SharedCaps remember(Entry& entry, const BinaryIdentity& identity, QemuCaps caps);

  Ask ask_;
  std::mutex mutex_;                                       // guards the entries' identity and caps as well
  std::map<std::string, std::shared_ptr<Entry>> entries_;  // by resolved path
};

}  // namespace visor::sdk
