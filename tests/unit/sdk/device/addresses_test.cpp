// SPDX-License-Identifier: Apache-2.0
// Who sits where: what is handed out, in which order, when it is free again, and what a record keeps of it.
#include "visor/sdk/device/addresses.hpp"

#include "visor/core/error.hpp"
#include "visor/core/json.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

namespace visor::sdk {
namespace {

using enum AddressSpace;

std::string problem_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return std::string{to_string(error.code())} + ": " + error.message();
  }
  return "accepted";
}

/// Two ports, a bridge of two slots, two slots of the root bus.
Addresses pci() {
  Addresses out;
  out.add_range({.space = root_port, .bus = "visor-port", .first = 0, .last = 1, .more = "raise machine.root_ports"});
  out.add_range({.space = bridge, .bus = "visor-bridge0", .first = 1, .last = 2, .more = "raise machine.bridges"});
  out.add_range({.space = root_bus, .bus = "pci.0", .first = 30, .last = 31, .from_top = true});
  return out;
}

std::string text(const Place& place) { return place.devno.empty() ? place.bus + '@' + place.addr : place.devno; }

struct PlaceCase {
  std::string name;
  Addresses addresses;
  PlaceWish wish;
  std::vector<std::string> places;  // in the order in which they are taken
  std::string then;                 // what the next one is told
};
void PrintTo(const PlaceCase& each, std::ostream* out) { *out << each.name; }

Addresses with_range(const AddressRange& range) {
  Addresses out;
  out.add_range(range);
  return out;
}

class AddressPlaces : public ::testing::TestWithParam<PlaceCase> {};

TEST_P(AddressPlaces, AreTakenInOneOrderUntilNoneIsLeft) {
  auto addresses = GetParam().addresses;
  std::vector<std::string> places;
  for (std::size_t i = 0; i < GetParam().places.size(); ++i) {
    places.push_back(text(addresses.take_place("d" + std::to_string(i), GetParam().wish)));
  }
  EXPECT_EQ(places, GetParam().places);
  const auto full = addresses;
  EXPECT_EQ(problem_of([&] { (void)addresses.take_place("late", GetParam().wish); }), GetParam().then);
  EXPECT_EQ(addresses, full) << "what is refused changes nothing";
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, AddressPlaces,
    ::testing::Values(
        PlaceCase{
            "any",
            pci(),
            PlaceWish::any,
            {"visor-port0@0", "visor-port1@0", "visor-bridge0@1", "visor-bridge0@2", "pci.0@1f", "pci.0@1e"},
            "exhausted: Device 'late': the 2 root ports and the 2 slots of visor-bridge0 and the 2 slots of pci.0 "
            "are all taken; unplug a device, or for the next start raise machine.root_ports, raise "
            "machine.bridges"},
        PlaceCase{"on_root",
                  pci(),
                  PlaceWish::on_root,
                  {"visor-port0@0", "visor-port1@0", "pci.0@1f", "pci.0@1e"},
                  "exhausted: Device 'late': the 2 root ports and the 2 slots of pci.0 are all taken; unplug a device, "
                  "or for the next start raise machine.root_ports"},
        PlaceCase{"channel",
                  with_range({.space = channel, .bus = "fe.0", .first = 0xfffe, .last = 0xffff, .from_top = true}),
                  PlaceWish::any,
                  {"fe.0.ffff", "fe.0.fffe"},
                  "exhausted: Device 'late': the 2 device numbers of fe.0 are all taken; unplug a device"},
        PlaceCase{
            "nothing", {}, PlaceWish::any, {}, "unsupported: Device 'late': the machine has no place to plug it into"}),
    [](const auto& each) { return each.param.name; });

TEST(Addresses, ADeviceKeepsItsPlaceUntilTheGuestLetsGo) {
  using enum UnplugOutcome;
  struct Row {
    std::vector<UnplugOutcome> outcomes;
    bool free;
    bool leaving;
  };
  for (const auto& [outcomes, free, leaving] : std::vector<Row>{{{gone}, true, false},
                                                                {{pending}, false, true},
                                                                {{pending, gone}, true, false},
                                                                {{refused}, false, false},
                                                                {{pending, refused}, false, false},
                                                                {{pending, pending}, false, true}}) {
    auto addresses = pci();
    (void)addresses.take_place("d");
    for (const auto outcome : outcomes) addresses.settle("d", outcome);
    EXPECT_EQ(addresses.free(root_port), free ? 2U : 1U);
    EXPECT_EQ(addresses.has("d"), !free);
    EXPECT_EQ(addresses.is_leaving("d"), leaving);
    EXPECT_EQ(text(addresses.take_place("e")), free ? "visor-port0@0" : "visor-port1@0");
  }
}

TEST(Addresses, AnUnknownDeviceCannotLeave) {
  auto addresses = pci();
  addresses.settle("d", UnplugOutcome::pending);
  EXPECT_FALSE(addresses.is_leaving("d"));
  EXPECT_EQ(addresses, pci());
}

TEST(Addresses, AnIdIsNotUsedAgainWhileTheGuestHoldsOn) {
  Addresses addresses;
  addresses.claim("d");
  EXPECT_EQ(problem_of([&] { addresses.claim("d"); }), "already_exists: There is a device 'd' already");
  addresses.settle("d", UnplugOutcome::pending);
  EXPECT_EQ(problem_of([&] { addresses.claim("d"); }),
            "already_exists: The guest has not let go of the device 'd' that was unplugged before; wait until it has, "
            "or take another id");
  addresses.settle("d", UnplugOutcome::gone);
  EXPECT_EQ(problem_of([&] { addresses.claim("d"); }), "accepted");
  EXPECT_EQ(problem_of([&] { addresses.claim(""); }).substr(0, 15), "invalid_config:");
}

TEST(Addresses, NewIdsAreTheLowestThatAreFree) {
  Addresses addresses;
  addresses.claim("disk1");
  EXPECT_EQ(addresses.claim_new("disk"), "disk0");
  EXPECT_EQ(addresses.claim_new("disk"), "disk2");
  EXPECT_EQ(addresses.claim_new("serial_port"), "serialport0");
  addresses.settle("disk0", UnplugOutcome::pending);
  EXPECT_EQ(addresses.claim_new("disk"), "disk3");
  addresses.settle("disk0", UnplugOutcome::gone);
  EXPECT_EQ(addresses.claim_new("disk"), "disk0");
}

TEST(Addresses, WhatFailsIsGivenBack) {
  auto addresses = pci();
  const auto before = addresses;
  {
    const AddressGuard guard{addresses, "d"};
    (void)addresses.take_place("d");
    (void)addresses.take(bridge, "visor-bridge0", "d");
    EXPECT_NE(addresses, before);
  }
  EXPECT_EQ(addresses, before);
  {
    AddressGuard guard{addresses, "d"};
    (void)addresses.take_place("d");
    guard.keep();
  }
  EXPECT_EQ(addresses.find(root_port, "visor-port", "d"), 0U);
}

TEST(Addresses, ScsiTargetsAreTheirOwnDevices) {
  auto addresses = with_range({.space = scsi, .bus = "s.0", .first = 0, .last = 1, .more = "take another controller"});
  EXPECT_EQ(addresses.take_target("s.0", "a"), (ScsiAddress{0, 0, 0}));
  EXPECT_EQ(addresses.take_target("s.0", "b"), (ScsiAddress{0, 1, 0}));
  EXPECT_EQ(problem_of([&] { (void)addresses.take_target("s.0", "c"); }),
            "exhausted: Device 'c': the 2 targets of s.0 are all taken; unplug a device, or for the next start take "
            "another controller");
  addresses.settle("a", UnplugOutcome::gone);
  EXPECT_EQ(addresses.take_target("s.0", "c"), (ScsiAddress{0, 0, 0}));
  EXPECT_EQ(problem_of([&] { (void)addresses.take_target("t.0", "c"); }),
            "not_found: The machine has no scsi 't.0' to place a device on");
}

TEST(Addresses, ANumberIsTakenOnce) {
  auto addresses = pci();
  addresses.take_exactly(bridge, "visor-bridge0", 2, "d");
  EXPECT_EQ(problem_of([&] { addresses.take_exactly(bridge, "visor-bridge0", 2, "e"); }),
            "already_exists: Device 'e': number 2 of the 2 slots of visor-bridge0 is taken by 'd'");
  EXPECT_EQ(problem_of([&] { addresses.take_exactly(bridge, "visor-bridge0", 3, "e"); }),
            "invalid_config: Device 'e': number 3 is none of the 2 slots of visor-bridge0, which begin with 1");
  EXPECT_FALSE(addresses.has("e"));
}

TEST(Addresses, RangesAreNotEmptyAndThereOnce) {
  auto addresses = pci();
  EXPECT_EQ(problem_of([&] { addresses.add_range({.bus = "b", .first = 1, .last = 0}); }),
            "invalid_config: The range of 'b' is empty");
  EXPECT_EQ(problem_of([&] { addresses.add_range({.space = bridge, .bus = "visor-bridge0"}); }),
            "invalid_config: There are two ranges of 'visor-bridge0'");
}

TEST(Addresses, TheWholeRangeOfNumbersHasRoom) {
  auto addresses = with_range({.space = channel, .bus = "x", .first = 0, .last = 0xffffffff, .from_top = true});
  EXPECT_EQ(addresses.take(channel, "x", "a"), 0xffffffffU);
  EXPECT_EQ(addresses.free(channel), 0xffffffffU);
}

Addresses busy() {
  auto addresses = pci();
  addresses.add_range({.space = scsi, .bus = "s.0", .first = 0, .last = 255});
  addresses.claim("rng0");
  (void)addresses.take_place("disk0");
  (void)addresses.take_place("disk1");
  (void)addresses.take_target("s.0", "disk2");
  addresses.settle("disk0", UnplugOutcome::pending);
  return addresses;
}

TEST(AddressRecord, AnotherProcessGoesOnWithIt) {
  auto mine = busy();
  auto theirs = Addresses::from_value(parse_json(to_json(mine.to_value())));
  EXPECT_EQ(theirs, mine);
  for (auto* each : {&mine, &theirs}) {
    EXPECT_EQ(text(each->take_place("late")), "visor-bridge0@1");
    each->settle("disk0", UnplugOutcome::gone);
    EXPECT_EQ(text(each->take_place("later")), "visor-port0@0");
  }
  EXPECT_EQ(theirs, mine);
}

TEST(AddressRecord, WhatIsWrongIsRefused) {
  struct Row {
    const char* before;
    const char* after;
    const char* problem;
  };
  const auto good = to_json(busy().to_value());
  for (const auto& [before, after, problem] : std::initializer_list<Row>{
           {R"("version":1)", R"("version":2)", "unsupported: The addresses in the VM's record are of version 2"},
           {R"("version":1)", R"("version":-1)", "invalid_config:"},
           {R"("version":1,)", "", "invalid_config:"},
           {R"("space":"bridge")", R"("space":"tree")",
            "invalid_config: The addresses in the VM's record: there is no"},
           {R"("number":1)", R"("number":7)", "invalid_config: Device 'disk1': number 7"},
           {R"("number":1)", R"("number":0)", "already_exists: Device 'disk1': number 0"},
           {R"("number":1)", R"("number":4294967297)", "invalid_config: The addresses in the VM's record: 4294967297"},
           {R"("by":"disk1")", R"("by":"x")", "invalid_config: The addresses in the VM's record: 'x' has a number"},
           {R"("leaving":["disk0"])", R"("leaving":["x"])", "invalid_config: The addresses in the VM's record: 'x' is"},
           {R"("ids":["disk0")", R"("ids":["disk1")", "already_exists:"},
           {R"("ids":["disk0")", R"("ids":[""])", "invalid_config:"},
           {R"("last":2)", R"("last":0)", "invalid_config:"},
           {R"("bus":"pci.0")", R"("bus":5)", "invalid_config:"}}) {
    auto bad = good;
    const auto at = bad.find(before);
    ASSERT_NE(at, std::string::npos) << before << " in " << good;
    bad.replace(at, std::string_view{before}.size(), after);
    if (std::string_view{after} == R"("ids":[""])") bad = R"({"version":1,"ids":[""],"leaving":[],"ranges":[]})";
    EXPECT_EQ(problem_of([&] { (void)Addresses::from_value(parse_json(bad)); }).substr(0, std::string{problem}.size()),
              problem);
  }
  EXPECT_NE(problem_of([] { (void)Addresses::from_value({}); }), "accepted");
}

TEST(VsockCid, IsTheSameForAVmAndDiffersBetweenThem) {
  std::set<std::uint32_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto cid = vsock_cid("vm" + std::to_string(i), 0);
    EXPECT_GE(cid, 3U);
    EXPECT_LE(cid, 0xfffffffeU);
    EXPECT_EQ(cid, vsock_cid("vm" + std::to_string(i), 0));
    seen.insert(cid);
  }
  EXPECT_EQ(seen.size(), 1000U);
  std::set<std::uint32_t> candidates;
  for (std::uint32_t attempt = 0; attempt < 64; ++attempt) candidates.insert(vsock_cid("vm", attempt));
  EXPECT_EQ(candidates.size(), 64U);
}

}  // namespace
}  // namespace visor::sdk
