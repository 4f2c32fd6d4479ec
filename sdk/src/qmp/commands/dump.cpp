// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/commands/dump.hpp"

#include "qmp/answer.hpp"
#include "qmp/follow.hpp"
#include "visor/sdk/qmp/commands/machine.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace visor::sdk::qmp {
namespace {

constexpr std::array<std::string_view, 5> format_names = {"elf", "kdump-zlib", "kdump-lzo", "kdump-snappy", "win-dmp"};

Value arguments_of(const DumpRequest& request) {
  auto out = Value::map({{"paging", request.paging}, {"protocol", request.target}, {"detach", true}});
  if (request.begin) out.set("begin", *request.begin);
  if (request.length) out.set("length", *request.length);
  if (request.format) out.set("format", to_string(*request.format));
  return out;
}

void check(const DumpRequest& request) {
  const auto refuse = [](const char* why) { throw Error(Errc::invalid_config, why); };
  if (request.target.rfind("fd:", 0) != 0 && request.target.rfind("file:", 0) != 0) {
    refuse("The target of a memory dump must begin with fd: or file:");
  }
  if (request.begin.has_value() != request.length.has_value()) {
    refuse("The range of a memory dump needs both a begin and a length");
  }
  if (request.paging && (request.begin || request.format.value_or(DumpFormat::elf) != DumpFormat::elf)) {
    refuse("A memory dump with paging is always of all memory and in the format elf");
  }
}

/// Why a dump failed: only the event says it, and it comes right after the state.
std::string cause_of(EventQueue& queue, std::optional<Event> event, const CallContext& call) {
  if (!event) event = next_event(queue, call, "the cause of a failed memory dump", std::chrono::seconds{1});
  const auto* const text = event ? event->data.find("error") : nullptr;
  return text && text->is_string() ? text->as_string() : "QEMU gives no reason";
}

/// How long QEMU tidies up after it has said that a dump is done. (qemu 7.2, dump/dump.c: dump_process sets the state
/// and sends the event, then dump_cleanup closes the file, which is that of the next dump if one was begun meanwhile,
/// and lets the guest go on)
constexpr std::chrono::milliseconds tidy_up{50};
constexpr std::chrono::milliseconds tidy_up_limit{2000};

/// Waits until a dump is over for good, as far as it can be told: a guest that ran, runs again.
void wait_tidied(Client& client, EventQueue& queue, bool ran, const CallContext& call) {
  const CallContext own{std::min(call.deadline(), std::chrono::steady_clock::now() + tidy_up_limit), call.cancel()};
  try {
    do {
      while (next_event(queue, own, "QEMU to tidy up after a memory dump", tidy_up)) continue;
    } while (ran && !query_status(client, own).running);
  } catch (const Error&) {
    // The dump is written all the same.
  }
}

}  // namespace

std::string_view to_string(DumpFormat format) noexcept {
  const auto index = static_cast<std::size_t>(format);
  return index < format_names.size() ? format_names[index] : "unknown";
}

DumpStatus query_dump(Client& client, const CallContext& call) {
  return ask(client, "query-dump", {}, call, [](const Answer& answer) {
    return DumpStatus{answer.text("status"), answer.integer("completed"), answer.integer("total")};
  });
}

std::vector<DumpFormat> query_dump_guest_memory_capability(Client& client, const CallContext& call) {
  return ask(client, "query-dump-guest-memory-capability", {}, call, [](const Answer& answer) {
    std::vector<DumpFormat> out;
    answer.at("formats").each([&](const Answer& format) {
      for (std::size_t i = 0; i < format_names.size(); ++i) {
        if (format.text() == format_names[i]) out.push_back(static_cast<DumpFormat>(i));
      }
    });
    return out;
  });
}

DumpStatus dump_guest_memory(Client& client, const DumpRequest& request, const CallContext& call) {
  check(request);
  const bool ran = query_status(client, call).running;
  const auto queue = client.subscribe({"DUMP_COMPLETED"}, 16);
  tell(client, "dump-guest-memory", arguments_of(request), call);
  std::optional<Event> event;
  auto status = query_dump(client, call);
  for (; status.status == "active"; status = query_dump(client, call)) {
    call.report("dump", status.completed_bytes, status.total_bytes);
    event = next_event(*queue, call, "the memory dump to " + request.target + ", which QEMU goes on with");
  }
  call.report("dump", status.completed_bytes, status.total_bytes);
  const bool good = status.status == "completed";
  const auto cause = good ? std::string{} : cause_of(*queue, std::move(event), call);
  wait_tidied(client, *queue, ran, call);
  if (!good) throw Error(Errc::hypervisor_error, "The memory dump to " + request.target + " failed: " + cause);
  return status;
}

}  // namespace visor::sdk::qmp
