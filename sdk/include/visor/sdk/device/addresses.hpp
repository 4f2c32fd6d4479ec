// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/value.hpp"
#include "visor/core/vm_state.hpp"
#include "visor/sdk/device/place.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Who sits where in one machine: ids of devices, and the numbers of its buses.
namespace visor::sdk {

/// What a number is.
enum class AddressSpace : std::uint8_t {
  root_port,  ///< a PCI Express port, counted; it takes one device
  bridge,     ///< a slot behind a PCI bridge
  root_bus,   ///< a slot of the root bus, where that takes devices while the guest runs
  channel,    ///< a device number of channel I/O
  scsi,       ///< a target of a SCSI controller
  chassis,    ///< what ports and bridges are told apart by
  port,       ///< a port of the bus of serial ports
};
/// The word in records ("root_port"); "unknown" for a value of a later version.
VISOR_SDK_EXPORT std::string_view to_string(AddressSpace space) noexcept;

/// The numbers of one bus that can be handed out.
struct VISOR_SDK_EXPORT AddressRange {
  AddressSpace space = AddressSpace::bridge;
  std::string bus =
      {};  ///< in QEMU's words ("visor-bridge0", "visor-scsi.0", "fe.0"); root_port: what precedes the number
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  std::string more =
      {};  ///< what to do for more than these ("raise machine.root_ports, at most 16"); empty: nothing helps
  bool from_top = false;  ///< the highest free number first, since QEMU itself hands out from the lowest
  bool operator==(const AddressRange&) const = default;
};

/// Where a SCSI disk sits. The virtio controller has one channel, and each disk is a target of its own.
struct ScsiAddress {
  std::uint32_t channel = 0;
  std::uint32_t target = 0;
  std::uint32_t lun = 0;
  bool operator==(const ScsiAddress&) const = default;
};

/// Which places of a PCI machine will do.
enum class PlaceWish : std::uint8_t {
  any,      ///< a root port, else behind a bridge, else the root bus
  on_root,  ///< a root port, else the root bus; never behind a bridge
};

/// The addresses of one machine. A plain value: copy, compare, write into a record. Deterministic: the same calls in
/// the same order give the same numbers. What is taken belongs to a device, by its id, and is free again when the guest
/// has let go of the device, and not when that was asked of it: settle(). Not for use from two threads at once; nothing
/// blocks.
class VISOR_SDK_EXPORT Addresses {
 public:
  /// Throws invalid_config for an empty range or a second one of the same bus.
  void add_range(AddressRange range);
  /// The bus is gone, and with it the numbers of all that sat on it.
  void remove_bus(std::string_view bus) noexcept;
  [[nodiscard]] bool has_range(AddressSpace space, std::string_view bus) const noexcept;

  /// Makes an id known. Throws already_exists when a device has it, or had it and the guest has not let go of it.
  void claim(const std::string& id);
  /// A new id: the type and the lowest number that makes one ("disk0"). Blanks and underscores of the type are left
  /// out.
  std::string claim_new(std::string_view type);

  /// A free number of a bus for a device, whose id is claimed when it is not. Throws exhausted, with the limit and what
  /// raises it, and not_found when there is no such bus.
  std::uint32_t take(AddressSpace space, std::string_view bus, const std::string& owner);
  /// This number. Throws already_exists naming who has it, and invalid_config for one that the bus does not have.
  void take_exactly(AddressSpace space, std::string_view bus, std::uint32_t number, const std::string& owner);
  /// A free place for a device that is plugged while the guest runs. Throws exhausted as take(), and unsupported when
  /// the machine has no such place at all.
  Place take_place(const std::string& owner, PlaceWish wish = PlaceWish::any);
  /// The place that take_place() gave, or the number on a bus of serial ports. Throws as take_exactly(), and not_found
  /// for a place on no bus of the machine.
  void take_place_exactly(const Place& place, const std::string& owner);
  /// A free target of a SCSI bus. Throws as take().
  ScsiAddress take_target(std::string_view bus, const std::string& owner);

  /// What came of an unplug: `gone` frees the id and all that the device had. With `pending` it stays taken until it is
  /// told that it is gone; with `refused` the device is simply there again.
  void settle(const std::string& owner, UnplugOutcome outcome);
  /// Frees what a device had that no guest has seen: plugging it failed, and nothing of it is left in QEMU.
  void give_back(const std::string& owner) noexcept;

  [[nodiscard]] bool has(const std::string& id) const noexcept { return ids_.contains(id); }
  /// Whether the guest was asked to let go of it, and has not.
  [[nodiscard]] bool is_leaving(const std::string& id) const noexcept { return leaving_.contains(id); }
  /// All of those, by id.
  [[nodiscard]] const std::set<std::string>& leaving() const noexcept { return leaving_; }
  /// The number that a device has on a bus.
  [[nodiscard]] std::optional<std::uint32_t> find(AddressSpace space, std::string_view bus,
                                                  const std::string& owner) const;
  [[nodiscard]] std::size_t free(AddressSpace space) const noexcept;

  /// For the VM's record: whoever attaches goes on with it.
  [[nodiscard]] Value to_value() const;
  /// Throws invalid_config for what to_value() does not write, unsupported for what a later version wrote.
  static Addresses from_value(const Value& value);
  bool operator==(const Addresses&) const = default;

 private:
  struct Range {
    AddressRange range;
    std::map<std::uint32_t, std::string> taken;  // by whom
    bool operator==(const Range&) const = default;
  };
  Range& range_of(AddressSpace space, std::string_view bus);
  static std::optional<std::uint32_t> free_number(const Range& range);
  [[noreturn]] void refuse_full(const std::vector<AddressSpace>& spaces, const std::string& owner) const;

  std::vector<Range> ranges_;
  std::set<std::string> ids_;
  std::set<std::string> leaving_;
};

/// Gives back what a device has taken, unless the device is kept: the undo of a plug that fails half-way.
class VISOR_SDK_EXPORT AddressGuard {
 public:
  /// `owner` has nothing yet. The addresses must outlive this.
  AddressGuard(Addresses& addresses, std::string owner) : addresses_{&addresses}, owner_{std::move(owner)} {}
  AddressGuard(const AddressGuard&) = delete;
  AddressGuard& operator=(const AddressGuard&) = delete;
  ~AddressGuard() {
    if (addresses_ != nullptr) addresses_->give_back(owner_);
  }
  /// The device is there, or may be: the guest was shown it.
  void keep() noexcept { addresses_ = nullptr; }

 private:
  Addresses* addresses_;
  std::string owner_;
};

/// The context id of a vsock device of which none was chosen, from 3 to 2^32-2: the n-th candidate for this VM, always
/// the same. Two VMs of a host may hit on one; the kernel then refuses the second, which goes on to its next candidate.
VISOR_SDK_EXPORT std::uint32_t vsock_cid(std::string_view vm, std::uint32_t attempt) noexcept;

}  // namespace visor::sdk
