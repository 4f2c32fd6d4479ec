// SPDX-License-Identifier: Apache-2.0
#include "caps_source.hpp"

#include "io_thread_impl.hpp"
#include "probe_caps.hpp"
#include "visor/core/error.hpp"

#include <utility>

namespace visor::sdk {
namespace {

/// A process that uses more programs than these asks some of them again.
constexpr std::size_t max_entries = 64;

}  // namespace

CapsSource::CapsSource(Ask ask) : ask_{std::move(ask)} {}

CapsSource& CapsSource::shared() {
  static auto* const source = new CapsSource{probe_caps};  // never destroyed: threads may outlive static objects
  return *source;
}

std::shared_ptr<CapsSource::Entry> CapsSource::entry_of(const std::string& path) {
  const std::scoped_lock lock{mutex_};
  if (entries_.size() >= max_entries && !entries_.contains(path)) entries_.erase(entries_.begin());
  auto& entry = entries_[path];
  if (!entry) entry = std::make_shared<Entry>();
  return entry;
}

SharedCaps CapsSource::remembered(const Entry& entry, const BinaryIdentity& identity) {
  const std::scoped_lock lock{mutex_};
  return entry.caps && entry.identity == identity ? entry.caps : nullptr;
}

SharedCaps CapsSource::remember(Entry& entry, const BinaryIdentity& identity, QemuCaps caps) {
  auto shared = std::make_shared<const QemuCaps>(std::move(caps));
  const std::scoped_lock lock{mutex_};
  entry.identity = identity;
  entry.caps = shared;
  return shared;
}

SharedCaps CapsSource::known(const std::string& binary, const CapsCache& cache) {
  BinaryIdentity identity;
  try {
    identity = identify_binary(binary);
  } catch (const Error&) {
    return nullptr;
  }
  const auto entry = entry_of(identity.path);
  if (auto caps = remembered(*entry, identity)) return caps;
  auto caps = cache.load(identity);
  if (!caps) return nullptr;
  caps->binary = binary;
  return remember(*entry, identity, *std::move(caps));
}

SharedCaps CapsSource::get(const std::string& binary, const CapsCache& cache, const CapsLog& log,
                           const CallContext& call) {
  if (on_io_thread()) throw Error(Errc::wrong_thread, "Cannot ask a QEMU what it can do on the I/O thread");
  if (auto caps = known(binary, cache)) return caps;
  // Whose text is in the entry must be the program that was asked, even if it is replaced meanwhile.
  const auto identity = identify_binary(binary);
  const auto entry = entry_of(identity.path);
  const auto pass = entry->asking.enter(call, "another question to " + binary);
  if (auto caps = remembered(*entry, identity)) return caps;
  auto caps = ask_(binary, call);
  log(LogLevel::debug, caps.who() + " was asked what it can do");
  if (identify_binary(binary) != identity) return std::make_shared<const QemuCaps>(std::move(caps));
  cache.save({identity, caps});
  return remember(*entry, identity, std::move(caps));
}

}  // namespace visor::sdk
