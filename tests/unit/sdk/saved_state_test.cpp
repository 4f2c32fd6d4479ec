// SPDX-License-Identifier: Apache-2.0
// What goes with a VM's state: the manifest, the stream that begins with it, and the files.
#include "qemu/state/saved_folder.hpp"
#include "qemu/state/state_stream.hpp"
#include "support/error_of.hpp"
#include "support/temporary_folder.hpp"
#include "visor/core/error.hpp"
#include "visor/core/file.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <future>
#include <string>
#include <thread>

namespace visor::sdk {
namespace {

using test::error_of;
using namespace std::chrono_literals;

Manifest sample() {
  Manifest manifest;
  manifest.plugin = "qemu-amd64";
  manifest.qemu_version = "7.2.22";
  manifest.machine = "pc-q35-7.2";
  manifest.accelerator = "tcg";
  manifest.uuid = "11111111-2222-4333-8444-555555555555";
  manifest.instance = "vm";
  manifest.ran = true;
  manifest.config.machine.type = "q35";
  manifest.config.cpu.count = 2;
  manifest.config.memory.size_mib = 256;
  RngConfig rng;
  rng.id = "r";
  manifest.config.devices.emplace_back(rng);
  manifest.addresses = Value::map({{"ids", Value::list({"r"})}});
  manifest.command = {"qemu", "-S"};
  manifest.files = {{"/k/vmlinuz", 7}};
  manifest.state_bytes = 9;
  manifest.state_hash = "00";
  return manifest;
}

struct Pair {
  Pair() {
    std::array<int, 2> both{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both.data()), 0);
    a.reset(both[0]);
    b.reset(both[1]);
  }
  UniqueFd a;
  UniqueFd b;
};

TEST(Manifest, IsReadAsItWasWritten) {
  const auto value = to_value(sample());
  EXPECT_EQ(to_value(manifest_from_value(value)), value);
}

TEST(Manifest, MissingMembersAndLaterVersionsAreRefused) {
  const auto value = to_value(sample());
  for (const auto& [key, member] : value.as_map()) {
    auto without = Value::map();
    for (const auto& [name, one] : value.as_map()) {
      if (name != key) without.set(name, one);
    }
    EXPECT_EQ(error_of([&] { (void)manifest_from_value(without); }).code(), Errc::invalid_config) << key;
  }
  auto later = value;
  later.set("version", 2);
  EXPECT_EQ(error_of([&] { (void)manifest_from_value(later); }).code(), Errc::unsupported);
}

TEST(Manifest, SaysInWhichFieldsTwoVmsDiffer) {
  const auto one = sample().config;
  EXPECT_NO_THROW(check_same_shape(one, one));
  auto other = one;
  other.name = "another";
  other.host.cgroup = "/other";
  EXPECT_NO_THROW(check_same_shape(one, other)) << "of these the guest knows nothing";
  other.machine.type = "pc";
  other.cpu.features = {"+x"};
  other.devices.clear();
  EXPECT_EQ(error_of([&] { check_same_shape(one, other); }).message(),
            "machine.type: the state is of a VM with q35, this one has pc\n"
            "cpu.features: the state is of a VM with [], this one has [\"+x\"]\n"
            "devices[0]: the state is of a VM with rng 'r', this one has none");
}

TEST(Manifest, IsForTheSamePluginAccelAndNoOlderQemu) {
  const auto manifest = sample();
  const auto take = [&](const char* plugin, const char* version, const char* accelerator) {
    try {
      check_can_take(manifest, plugin, version, accelerator);
      return Errc{};
    } catch (const Error& error) {
      return error.code();
    }
  };
  EXPECT_EQ(take("qemu-amd64", "7.2.0", "tcg"), Errc{}) << "within a release all fit";
  EXPECT_EQ(take("qemu-amd64", "8.0.0", "tcg"), Errc{});
  EXPECT_EQ(take("qemu-amd64", "7.1.9", "tcg"), Errc::unsupported);
  EXPECT_EQ(take("qemu-arm64", "7.2.0", "tcg"), Errc::unsupported);
  EXPECT_EQ(take("qemu-amd64", "7.2.0", "kvm"), Errc::unsupported);
}

TEST(StateStream, CarriesAManifestAndNoByteMore) {
  auto big = sample();
  big.command.assign(20'000, "a long argument, and so many that no buffer takes them");
  for (const bool pipe : {false, true}) {
    Pair pair;
    if (pipe) {
      std::array<int, 2> ends{};
      ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
      pair.b.reset(ends[0]);
      pair.a.reset(ends[1]);
    }
    auto written = std::async(std::launch::async, [&] {
      write_manifest(pair.a.get(), big, 30s);
      return ::write(pair.a.get(), "QEVM", 4);
    });
    EXPECT_EQ(to_value(read_manifest(pair.b.get(), 30s)), to_value(big));
    EXPECT_EQ(written.get(), 4);
    std::array<char, 8> rest{};
    EXPECT_EQ(::read(pair.b.get(), rest.data(), rest.size()), 4);
  }
}

TEST(StateStream, EndsWithItsDeadlineAndWithTheOtherSide) {
  Pair pair;
  EXPECT_EQ(error_of([&] { (void)read_manifest(pair.b.get(), 20ms); }).code(), Errc::timeout);
  CancelSource cancel;
  cancel.cancel();
  const CallContext cancelled{std::chrono::steady_clock::now() + 30s, cancel.token()};
  EXPECT_EQ(error_of([&] { (void)read_manifest(pair.b.get(), cancelled); }).code(), Errc::cancelled);
  auto big = sample();
  big.command.assign(60'000, "more than a socket takes that nobody reads from");
  EXPECT_EQ(error_of([&] { write_manifest(pair.a.get(), big, 50ms); }).code(), Errc::timeout);
  pair.b.reset();
  EXPECT_EQ(error_of([&] { write_manifest(pair.a.get(), sample(), 30s); }).code(), Errc::io_error);
  Pair other;
  end_stream(other.a.get());
  EXPECT_EQ(error_of([&] { (void)read_manifest(other.b.get(), 30s); }).code(), Errc::io_error);
}

TEST(StateStream, WhatIsNoneIsRefusedBeforeMuchIsRead) {
  const auto refusal = [](const std::string& bytes) {
    Pair pair;
    EXPECT_EQ(::write(pair.a.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    pair.a.reset();
    return error_of([&] { (void)read_manifest(pair.b.get(), 30s); }).code();
  };
  EXPECT_EQ(refusal("GET / HTTP/1.0\r\n\r\n"), Errc::invalid_config);
  EXPECT_EQ(refusal(std::string{"visorVM\n"} + std::string(8, '\xff')), Errc::invalid_config);
  EXPECT_EQ(refusal(std::string{"visorVM\n\x02"} + std::string(7, '\0') + "{}"), Errc::invalid_config);
  EXPECT_EQ(refusal(std::string{"visorVM\n\x02"} + std::string(7, '\0') + "{"), Errc::io_error);
  EXPECT_EQ(refusal("visorVM\n"), Errc::io_error);
}

TEST(SavedFolder, ANewFileGoesUnlessItIsKept) {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "f";
  {
    const NewFile file{path};
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  {
    NewFile file{path};
    NewFile moved{std::move(file)};
    moved.keep();
  }
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_EQ(error_of([&] { const NewFile again{path}; }).code(), Errc::already_exists);
  EXPECT_TRUE(std::filesystem::exists(path)) << "it was somebody else's";
}

TEST(SavedFolder, AManifestIsThereAsAWholeAndTheStateIsHeldAgainstIt) {
  const test::TemporaryFolder folder;
  const auto& dir = folder.path();
  EXPECT_EQ(error_of([&] { (void)read_manifest_file(dir); }).code(), Errc::not_found);
  write_file_atomically(dir / state_file, "123456789");
  const UniqueFd state{::open((dir / state_file).c_str(), O_RDONLY | O_CLOEXEC)};
  auto manifest = sample();
  manifest.state_hash = hash_of_file(state.get(), 30s);
  write_manifest_file(dir, manifest);
  EXPECT_EQ(to_value(read_manifest_file(dir)), to_value(manifest));
  verify_state(open_state(dir, manifest).get(), dir, manifest, 30s);
  for (const auto* other : {"123456780", "023456789"}) {
    write_file_atomically(dir / state_file, other);
    EXPECT_EQ(error_of([&] { verify_state(open_state(dir, manifest).get(), dir, manifest, 30s); }).code(),
              Errc::invalid_config);
  }
  write_file_atomically(dir / state_file, "12345678");
  EXPECT_EQ(error_of([&] { (void)open_state(dir, manifest); }).code(), Errc::invalid_config);
}

}  // namespace
}  // namespace visor::sdk
