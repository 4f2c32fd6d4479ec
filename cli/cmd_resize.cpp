// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "exit_code.hpp"
#include "visor/core/describe.hpp"

#include <array>
#include <charconv>
#include <chrono>

namespace visor::cli {
namespace {

using namespace std::chrono_literals;

std::uint32_t vcpus_of(const std::string& text) {
  std::uint32_t count = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (problem == std::errc{} && end == text.data() + text.size()) return count;
  throw Error(Errc::invalid_config, "--vcpus: '" + text + "' is no number of vCPUs");
}

/// What was asked for, read before anything is changed.
struct Wish {
  std::optional<std::uint64_t> memory_mib;
  std::uint64_t block_mib = 0;
  std::optional<std::uint32_t> vcpus;
};

std::uint64_t size_of(const Args& args, std::string_view option) try {
  return parse_size_mib(*args.value(option));
} catch (const Error& error) {
  throw Error(error.code(), "--" + std::string{option} + ": " + error.message());
}

Wish wish_of(const Args& args) {
  Wish wish;
  if (args.has("memory")) wish.memory_mib = size_of(args, "memory");
  if (args.has("block")) wish.block_mib = size_of(args, "block");
  if (const auto count = args.value("vcpus")) wish.vcpus = vcpus_of(*count);
  if (!wish.memory_mib && !wish.vcpus) {
    throw Error(Errc::invalid_config, "What is to be resized? Give --memory SIZE, --vcpus COUNT or both");
  }
  return wish;
}

/// What was done before it fails is told with the error.
VcpuResize resize_vcpus(Vm& vm, std::uint32_t target, const std::string& before, const CallContext& call) try {
  return vm.resize_vcpus(target, call);
} catch (const Error& error) {
  if (before.empty()) throw;
  throw Error(error.code(), error.message() + "; resized before: " + before.substr(0, before.find('\n')));
}

int resize(Context& context) {
  context.interrupts.set_patient(true);
  const auto& id = context.args.words.front();
  const auto wish = wish_of(context.args);
  context.hints = {{Errc::not_found, "visor ps lists the VMs"}};
  const auto call = context.call(20s);
  const auto vm = context.runtime().attach(id, call);
  auto value = Value::map({{"id", id}});
  std::string text;
  bool reached = true;
  if (wish.memory_mib) {
    const auto done = vm->resize_memory(*wish.memory_mib, wish.block_mib, call);
    value.set("memory", Value::map({{"requested_mib", done.requested_mib}, {"achieved_mib", done.achieved_mib}}));
    text += "memory: " + std::to_string(done.achieved_mib) + " MiB";
    if (done.achieved_mib != done.requested_mib) text += " of " + std::to_string(done.requested_mib) + " MiB wanted";
    text += '\n';
    reached = done.achieved_mib == done.requested_mib;
  }
  if (wish.vcpus) {
    const auto done = resize_vcpus(*vm, *wish.vcpus, text, call);
    reached = reached && done.after == *wish.vcpus;
    value.set("vcpus", Value::map({{"before", done.before}, {"after", done.after}}));
    text += "vcpus: " + std::to_string(done.before) + " before, " + std::to_string(done.after) + " now\n";
  }
  context.out.json ? context.out.value(value) : context.out.text(text);
  return reached ? exit_code::ok : exit_code::timeout;
}

constexpr std::array options = {
    OptionSpec{"memory", "SIZE", "the guest's memory, as in 2GiB; rounded up to whole blocks"},
    OptionSpec{"block", "SIZE", "the guest's memory block, where it differs from what its kind has"},
    OptionSpec{"vcpus", "COUNT", "the number of vCPUs"},
    OptionSpec{"timeout", "TIME", "by when it must be done (default: 20s)"},
};

}  // namespace

const Command resize_command{"resize",
                             "ID",
                             "gives a running VM more memory or vCPUs, or less",
                             "Status 5 when the guest has not followed all the way. Up to memory.max_size and "
                             "cpu.max_count of its configuration. Many guests bring what is "
                             "new online by themselves,\n"
                             "others have to be told; docs/GUEST.md says how.",
                             options,
                             1,
                             1,
                             resize};

}  // namespace visor::cli
