// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/log.hpp"

#include <utility>

namespace visor::sdk::qmp {
namespace {

class HostLog final : public QmpLog {
 public:
  HostLog(std::shared_ptr<LogSink> sink, std::string vm) : sink_{std::move(sink)}, vm_{std::move(vm)} {}
  [[nodiscard]] bool enabled(LogLevel level) const noexcept override { return sink_->enabled(level); }
  void write(LogLevel level, std::string_view text) noexcept override { sink_->write(level, vm_, text); }

 private:
  std::shared_ptr<LogSink> sink_;
  std::string vm_;
};

}  // namespace

QmpLog::~QmpLog() = default;

std::shared_ptr<QmpLog> make_qmp_log(std::shared_ptr<LogSink> sink, std::string vm) {
  if (!sink) return nullptr;
  return std::make_shared<HostLog>(std::move(sink), std::move(vm));
}

}  // namespace visor::sdk::qmp
