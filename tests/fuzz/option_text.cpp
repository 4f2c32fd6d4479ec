// SPDX-License-Identifier: Apache-2.0
// The property bag, the command line and the structs of all devices with any texts in them: they are refused with
// visor::Error, or what they render reads back, by QEMU's rules, as the same keys and values and nothing else.
#include "fuzz.hpp"
#include "keyval.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/device/boot.hpp"
#include "visor/sdk/device/chardev.hpp"
#include "visor/sdk/device/describe.hpp"
#include "visor/sdk/device/devices.hpp"
#include "visor/sdk/device/fs.hpp"
#include "visor/sdk/device/machine.hpp"
#include "visor/sdk/device/memory.hpp"
#include "visor/sdk/device/net.hpp"
#include "visor/sdk/device/pci.hpp"
#include "visor/sdk/device/process.hpp"
#include "visor/sdk/device/serial.hpp"
#include "visor/sdk/device/vfio.hpp"
#include "visor/sdk/device/vhost.hpp"

namespace {

using namespace visor;
using namespace visor::sdk;
using fuzz::require;
using Bytes = FuzzedDataProvider;

std::string text_of(Bytes& bytes) { return bytes.ConsumeRandomLengthString(48); }

bool is_whole(const std::string& text) { return text.find('\0') == text.npos && text.find('\n') == text.npos; }

PropertyBag empty_bag(Bytes& bytes) {
  switch (bytes.ConsumeIntegralInRange(0, 6)) {
    case 0:
      return PropertyBag::device(text_of(bytes));
    case 1:
      return PropertyBag::object(text_of(bytes));
    case 2:
      return PropertyBag::netdev(text_of(bytes));
    case 3:
      return PropertyBag::chardev(text_of(bytes));
    case 4:
      return PropertyBag::machine(text_of(bytes));
    case 5:
      return PropertyBag::block(text_of(bytes));
    default:
      return PropertyBag::keys();
  }
}

/// A bag of anything, and beside it what was put in.
void fuzz_bag(Bytes& bytes) {
  auto bag = empty_bag(bytes);
  const bool has_head = !bag.head().empty();
  fuzz::Pairs wanted;
  while (bytes.remaining_bytes() > 0) {
    const auto key = text_of(bytes);
    const auto value = text_of(bytes);
    try {
      bag.set(key, value);
    } catch (const Error&) {
      const bool of_head = key == "driver" || key == "type" || key == "qom-type" || key == "backend";
      require(!is_whole(value) || !fuzz::is_clean_key(key) || (has_head && of_head), "a good property is taken");
      continue;
    }
    const auto there = std::ranges::find(wanted, key, &fuzz::Pairs::value_type::first);
    if (there == wanted.end()) {
      wanted.emplace_back(key, value);
    } else {
      there->second = value;
    }
  }
  const auto option = bag.to_option();
  require(is_whole(option), "no NUL and no newline gets through");
  auto read = fuzz::parse_keyval(option, has_head);
  if (has_head) wanted.insert(wanted.begin(), {option.starts_with("driver=") ? "driver" : "", bag.head()});
  require(read == wanted, "a bag reads back as what was put in");
}

void fuzz_line(Bytes& bytes) {
  CommandLine line;
  const auto option = text_of(bytes);
  const auto value = text_of(bytes);
  line.flag(option);
  line.plain(option, value);
  const auto argv = line.argv("q");
  require(argv == std::vector<std::string>{"q", option, option, value}, "an option is one argument, its value another");
  require(option.size() > 1 && option.front() == '-' && is_whole(value), "what is no option is refused");
}

Value value_of(const DeviceField& field, Bytes& bytes) {
  const bool wild = bytes.ConsumeIntegralInRange(0, 7) == 0;
  switch (field.storage) {
    case FieldStorage::boolean:
      return bytes.ConsumeBool();
    case FieldStorage::choice:
      return Value{field.choices.at(bytes.ConsumeIntegralInRange<std::size_t>(0, field.choices.size() - 1))};
    case FieldStorage::texts:
      return Value::list({text_of(bytes), text_of(bytes)});
    case FieldStorage::text:
      break;
    case FieldStorage::integer:
      return bytes.ConsumeIntegralInRange(0, 1000);
    default:
      return wild ? bytes.ConsumeIntegral<std::uint16_t>() : std::min<std::uint64_t>(field.min, 0xffff);
  }
  if (wild) return text_of(bytes);
  switch (field.type) {
    case FieldType::id:
    case FieldType::reference:
    case FieldType::fd:
      return "a1";
    case FieldType::bus:
      return "pcie.0";
    case FieldType::choice:
      return Value{field.choices.at(bytes.ConsumeIntegralInRange<std::size_t>(0, field.choices.size() - 1))};
    case FieldType::path:
    case FieldType::socket_path:
      return '/' + text_of(bytes);
    case FieldType::host_address:
      return "0000:01:00.0";
    default:
      return text_of(bytes);
  }
}

template <class Device>
void fill_backing(Device& device, Bytes& bytes) {
  if constexpr (requires { device.backing; }) device.backing.path = '/' + text_of(bytes);
}

template <class Device>
std::string backing_of(const Device& device) {
  if constexpr (requires { device.backing; }) return device.backing.path;
  return {};
}

/// Every argument reads back, and each text that was said is a value of its key.
void check_argument(const CommandLine::Argument& argument, bool plain) {
  require(is_whole(argument.option) && is_whole(argument.value), "no NUL and no newline gets through");
  if (plain || !argument.has_value) return;
  require(fuzz::parse_keyval(argument.value, true).has_value(), "what a struct renders is a list of keys and values");
}

bool is_there(const CommandLine& line, bool plain, std::string_view key, const std::string& value) {
  return std::ranges::any_of(line.arguments(), [&](const auto& argument) {
    if (plain) return argument.option == key && argument.value == value;
    const auto pairs = fuzz::parse_keyval(argument.value, true);
    const auto* const found = pairs ? fuzz::find_value(*pairs, key) : nullptr;
    return found != nullptr && *found == value;
  });
}

template <class Device>
void fuzz_device(Bytes& bytes) {
  Device device{};
  const auto& table = Device::describe();
  for (const auto& field : table.fields) {
    const bool set = field.member != nullptr && (field.required || bytes.ConsumeIntegralInRange(0, 3) == 0);
    if (set) write_field(field, &device, value_of(field, bytes));
  }
  fill_backing(device, bytes);
  device.validate();
  CommandLine line;
  device.render(line);
  const bool plain = table.kind == DeviceOption::plain;
  for (const auto& argument : line.arguments()) check_argument(argument, plain && argument.option != "-overcommit");
  for (const auto& field : table.fields) {
    if (field.key.empty() || field.member == nullptr || field.storage != FieldStorage::text) continue;
    const auto value = read_field(field, &device);
    if (!value.is_string() || value.as_string().empty()) continue;
    require(is_there(line, plain, field.key, value.as_string()), "a text is a value as a whole");
  }
  const auto path = backing_of(device);
  require(path.empty() || is_there(line, false, "file.filename", path), "the path of a disk is a value as a whole");
}

constexpr void (*targets[])(Bytes&) = {
    fuzz_bag,
    fuzz_line,
    fuzz_device<VirtioBlk>,
    fuzz_device<ScsiDisk>,
    fuzz_device<ScsiController>,
    fuzz_device<VirtioNet>,
    fuzz_device<TapNetdev>,
    fuzz_device<UserNetdev>,
    fuzz_device<VdpaNetdev>,
    fuzz_device<VhostUserNetdev>,
    fuzz_device<Virtio9p>,
    fuzz_device<FsBackend>,
    fuzz_device<Chardev>,
    fuzz_device<QmpSocket>,
    fuzz_device<Monitor>,
    fuzz_device<VirtioSerial>,
    fuzz_device<VirtioPort>,
    fuzz_device<SerialPort>,
    fuzz_device<VirtioRng>,
    fuzz_device<VirtioBalloon>,
    fuzz_device<Nvdimm>,
    fuzz_device<MemoryBackend>,
    fuzz_device<Kernel>,
    fuzz_device<Bios>,
    fuzz_device<Pflash>,
    fuzz_device<FwCfg>,
    fuzz_device<Loader>,
    fuzz_device<Name>,
    fuzz_device<ProcessSettings>,
    fuzz_device<Rtc>,
    fuzz_device<GlobalProperty>,
    fuzz_device<Sandbox>,
    fuzz_device<IoThreadObject>,
    fuzz_device<GenericObject>,
    fuzz_device<Machine>,
    fuzz_device<CpuModel>,
    fuzz_device<Smp>,
    fuzz_device<NumaNode>,
    fuzz_device<VfioPci>,
    fuzz_device<VfioCcw>,
    fuzz_device<VfioAp>,
    fuzz_device<VhostUserDevice>,
    fuzz_device<VhostVsock>,
    fuzz_device<PcieRootPort>,
    fuzz_device<PciBridge>,
    fuzz_device<IntelIommu>,
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Bytes bytes{data + 1, size - 1};
  try {
    targets[data[0] % std::size(targets)](bytes);
  } catch (const Error&) {
    return 0;
  }
  return 0;
}
