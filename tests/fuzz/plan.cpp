// SPDX-License-Identifier: Apache-2.0
// A configuration with any texts, from its devices to the arguments of QEMU: it is refused with visor::Error, or it has
// the arguments and keys that it has with harmless texts, and each text stands where the harmless one stood, whole.
#include "qemu/plan/plan.hpp"
#include "fuzz.hpp"
#include "keyval.hpp"
#include "unit/arch/architectures.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/qemu/arch_rules.hpp"

namespace {

using namespace visor;
using fuzz::require;
using Bytes = FuzzedDataProvider;

constexpr int kinds = 16;

/// What a configuration is made of. The harmless one has its own texts in the same places.
struct Draft {
  std::string arch;
  std::string machine;
  std::vector<int> devices;
  std::vector<std::string> texts;
};

std::string harmless(std::size_t number) { return "zq" + std::to_string(number) + "z"; }

/// Gives out texts in their order. An empty one is left empty: it stands for nothing.
class Texts {
 public:
  Texts(const Draft& draft, bool hostile) : draft_{draft}, hostile_{hostile} {}
  std::string next(const std::string& before = {}) {
    const auto number = next_++;
    const auto& text = draft_.texts[number % draft_.texts.size()];
    return text.empty() && before.empty() ? text : before + (hostile_ ? text : harmless(number));
  }

 private:
  const Draft& draft_;
  bool hostile_;
  std::size_t next_ = 0;
};

DeviceConfig device_of(int kind, const std::string& id, Texts& texts) {
  switch (kind) {
    case 0:
      return DiskConfig{.id = id, .path = texts.next("/"), .serial = texts.next()};
    case 1:
      return DiskConfig{.id = id, .path = texts.next("/"), .bus = DiskBus::scsi, .serial = texts.next()};
    case 2:
      return ShareConfig{.id = id, .path = texts.next("/"), .tag = id + texts.next()};
    case 3:
      return SerialPortConfig{.id = id, .name = id + texts.next(), .socket = texts.next("/")};
    case 4:
      return FwCfgConfig{.id = id, .name = texts.next("opt/" + id), .text = texts.next("t")};
    case 5:
      return FwCfgConfig{.id = id, .name = texts.next("opt/" + id), .path = texts.next("/")};
    case 6:
      return RngConfig{.id = id, .source = texts.next("/")};
    case 7:
      return VhostUserConfig{.id = id, .socket = texts.next("/")};
    case 8:
      return VhostUserConfig{.id = id, .type = VhostUserType::fs, .socket = texts.next("/"), .tag = id + texts.next()};
    case 9:
      return NicConfig{.id = id, .backend = NicBackend::vdpa, .interface = texts.next("/")};
    case 10:
      return NicConfig{.id = id, .backend = NicBackend::tap, .interface = texts.next("t")};
    case 11:
      return VfioConfig{.id = id, .sysfs_path = texts.next("/")};
    case 12:
      return RawDeviceConfig{.id = id, .driver = "virtserialport", .properties = Value::map({{"name", texts.next()}})};
    case 13:
      return RawDeviceConfig{.id = id, .driver = texts.next("x"), .properties = Value::map({{"a", texts.next()}})};
    case 14:
      return RawDeviceConfig{.id = id, .driver = "x", .properties = Value::map({{texts.next("p"), true}})};
    default:
      return DiskConfig{.id = texts.next("d"), .path = "/x"};
  }
}

VmConfig config_of(const Draft& draft, bool hostile) {
  Texts texts{draft, hostile};
  VmConfig config;
  config.machine.type = draft.machine;
  config.memory.size_mib = 512;
  config.name = texts.next();
  config.boot = {.kernel = texts.next("/"),
                 .initrd = texts.next("/"),
                 .firmware = texts.next("/"),
                 .pflash = {texts.next("/"), texts.next("/")}};
  config.boot.kernel_params = {{"k", texts.next()}};
  // The dots: blanks at the ends of these are dropped.
  if (!draft.texts[0].empty()) config.machine.options = {"o=" + texts.next() + '.'};
  if (!draft.texts[0].empty()) config.cpu.features = {texts.next("f") + '.'};
  if (!draft.texts[0].empty()) config.memory.backing_dir = texts.next("/");
  for (std::size_t i = 0; i < draft.devices.size(); ++i) {
    config.devices.push_back(device_of(draft.devices[i], "i" + std::to_string(i), texts));
  }
  return config;
}

sdk::plan::Plan plan_of(const Draft& draft, bool hostile) {
  const auto& arch = test::arch_of(draft.arch);
  const QemuCaps caps;  // nothing is known of it, so that it has everything
  const HostFacts host{.arch = "amd64", .memory_mib = 8192, .cpus = 4};
  const auto config = normalised(config_of(draft, hostile), {.max_vcpus = 4, .block_driver = BlockDriver::virtio_blk});
  const auto chosen = sdk::plan::with_choices_made(arch, {config, Accelerator::tcg, host, caps}, {});
  return sdk::plan::make_plan({chosen, arch, host, caps, Accelerator::tcg, "vm", "/run/vm", "", {}});
}

/// The text with each harmless text in it exchanged for the hostile one.
std::string exchanged(const Draft& draft, std::string text) {
  for (std::size_t at = text.find("zq"); at != std::string::npos; at = text.find("zq", at)) {
    const auto end = text.find('z', at + 2);
    if (end == std::string::npos) break;
    const auto number = std::stoul(text.substr(at + 2, end - at - 2));
    const auto& hostile = draft.texts[number % draft.texts.size()];
    text.replace(at, end + 1 - at, hostile);
    at += hostile.size();
  }
  return text;
}

bool is_plain(std::string_view option) {
  constexpr std::string_view plain[] = {"-uuid", "-cpu", "-display", "-kernel", "-initrd", "-append", "-bios"};
  return std::ranges::find(plain, option) != std::end(plain);
}

using Argument = sdk::CommandLine::Argument;

void compare(const Draft& draft, const Argument& hostile, const Argument& plain) {
  require(hostile.option == plain.option && hostile.has_value == plain.has_value, "a text adds no argument");
  require(hostile.value.find('\0') == std::string::npos, "no NUL gets through");
  require(hostile.value.find('\n') == std::string::npos, "no newline gets through");
  if (hostile.option == "-append") return;  // its quotes depend on the text
  if (is_plain(hostile.option) || !hostile.has_value) {
    require(hostile.value == exchanged(draft, plain.value), "a plain text stays as it is");
    return;
  }
  const auto one = fuzz::parse_keyval(hostile.value, true);
  const auto other = fuzz::parse_keyval(plain.value, true);
  require(one && other && one->size() == other->size(), "a text adds no property");
  for (std::size_t i = 0; i < one->size(); ++i) {
    if ((*one)[i].first == "mac") continue;  // made of the ids
    require((*one)[i].first == exchanged(draft, (*other)[i].first), "a text changes no key");
    require((*one)[i].second == exchanged(draft, (*other)[i].second), "a text is a value as a whole");
  }
}

Draft draft_of(Bytes& bytes) {
  Draft draft;
  draft.arch = test::architectures[bytes.ConsumeIntegralInRange<std::size_t>(0, 3)];
  const auto machines = test::arch_of(draft.arch).machines();
  draft.machine = machines[bytes.ConsumeIntegralInRange<std::size_t>(0, machines.size() - 1)].type;
  const auto count = bytes.ConsumeIntegralInRange<std::size_t>(0, 4);
  for (std::size_t i = 0; i < count; ++i) draft.devices.push_back(bytes.ConsumeIntegralInRange(0, kinds - 1));
  const auto texts = bytes.ConsumeIntegralInRange<std::size_t>(1, 12);
  for (std::size_t i = 0; i < texts; ++i) draft.texts.push_back(bytes.ConsumeRandomLengthString(40));
  return draft;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes{data, size};
  const auto draft = draft_of(bytes);
  // A text that has a harmless one in it would be exchanged, too.
  if (std::ranges::any_of(draft.texts, [](const auto& text) { return text.find("zq") != std::string::npos; })) return 0;
  try {
    const auto hostile = plan_of(draft, true);
    const auto plain = plan_of(draft, false);
    const auto& arguments = hostile.line.arguments();
    require(arguments.size() == plain.line.arguments().size(), "a text adds no argument");
    for (std::size_t i = 0; i < arguments.size(); ++i) compare(draft, arguments[i], plain.line.arguments()[i]);
  } catch (const Error&) {
    return 0;
  }
  return 0;
}
