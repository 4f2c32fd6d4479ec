// SPDX-License-Identifier: Apache-2.0
// What a QEMU can do, as text and back.
#include "caps_support.hpp"
#include "support/error_of.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"

#include <gtest/gtest.h>

namespace visor::sdk {
namespace {

using test::error_of;

void expect_refused(const std::string& text, const std::string& why) {
  const auto error = error_of([&] { (void)caps_from_text(text); });
  EXPECT_EQ(to_string(error.code()), "invalid_config");
  EXPECT_NE(error.message().find(why), std::string::npos) << error.what();
}

/// The text of small_cached() with one member, by its path, replaced.
std::string changed(const std::vector<std::string>& path, Value value) {
  auto whole = parse_json(caps_to_text(small_cached()));
  const auto set = [&](auto self, Value at, std::size_t depth) -> Value {
    auto member = depth + 1 == path.size() ? value : self(self, at.at(path[depth]), depth + 1);
    return at.set(path[depth], std::move(member));
  };
  return to_json(set(set, whole, 0));
}

TEST(CapsCodec, TextReadsTheSame) {
  EXPECT_EQ(caps_from_text(caps_to_text(small_cached())), small_cached());
  EXPECT_EQ(caps_from_text(caps_to_text({})), CachedCaps{});
}

TEST(CapsCodec, RefusesWhatIsNoText) {
  const auto text = caps_to_text(small_cached());
  for (const auto& broken : {std::string{}, std::string{"{}"}, std::string{"[]"}, std::string{"\0\xff", 2}}) {
    EXPECT_THROW((void)caps_from_text(broken), Error) << broken;
  }
  for (std::size_t size = 0; size < text.size(); size += 7)
    EXPECT_THROW((void)caps_from_text(text.substr(0, size)), Error);
  expect_refused(text + std::string(max_caps_bytes, ' '), "longer than 1 MiB");
}

TEST(CapsCodec, RefusesAnotherKindOrFormat) {
  expect_refused(changed({"format"}, "visorkit.something"), "another kind");
  expect_refused(changed({"version"}, caps_format + 1), "another format");
  expect_refused(changed({"version"}, caps_format - 1), "another format");
  expect_refused(changed({"caps", "version"}, Value::list({7, 2})), "three numbers");
}

TEST(CapsCodec, RefusesWhatNoQemuHas) {
  expect_refused(changed({"caps", "devices"}, Value::list({"b", "a"})), "not sorted");
  expect_refused(changed({"caps", "devices"}, Value::list({""})), "empty");
  expect_refused(changed({"caps", "devices"}, Value::list({std::string(257, 'a')})), "longer than 256");
  expect_refused(changed({"caps", "devices"}, Value::list({"a\nb"})), "control character");
  expect_refused(changed({"caps", "devices"}, Value::List(8193, Value{"a"})), "more than 8192");
  expect_refused(changed({"caps", "version"}, Value::list({std::uint64_t{1} << 32U, 0, 0})), "too large");
  expect_refused(changed({"identity", "size"}, "big"), "");
  auto drivers = Value::map();
  for (int i = 0; i < 257; ++i) drivers.set("d" + std::to_string(i), Value::list());
  expect_refused(changed({"caps", "properties"}, drivers), "more than 256");
}

TEST(Caps, AnswersTheQuestionsOfPlans) {
  const auto caps = small_caps();
  EXPECT_EQ(caps.who(), "QEMU 7.2.22 at /usr/bin/qemu-system-x86_64");
  auto kept = caps;
  kept.kept_in = "/c/q.json";
  EXPECT_EQ(kept.who(),
            "QEMU 7.2.22 at /usr/bin/qemu-system-x86_64 (as kept in /c/q.json; remove that to ask it again)");
  ASSERT_NE(caps.machine("q35"), nullptr);
  EXPECT_EQ(caps.machine("q35"), caps.machine("pc-q35-7.2"));
  EXPECT_EQ(caps.machine(""), nullptr);
  EXPECT_TRUE(caps.may_have_machine("q35"));
  EXPECT_FALSE(caps.may_have_machine("pc"));
  EXPECT_TRUE(caps.may_have_device("pvpanic"));
  EXPECT_FALSE(caps.may_have_device("virtio-blk-ccw"));
  EXPECT_TRUE(caps.may_have_object("iothread"));
  EXPECT_FALSE(caps.may_have_object("memory-backend-memfd"));
  EXPECT_TRUE(caps.may_have_property("virtio-blk-pci", "serial"));
  EXPECT_FALSE(caps.may_have_property("virtio-blk-pci", "colour"));
  EXPECT_TRUE(caps.may_have_property("pvpanic", "anything")) << "nobody asked for its properties";
  EXPECT_TRUE(caps.may_have_feature("blockdev-add:aio=io_uring"));
  EXPECT_FALSE(caps.may_have_feature("chardev-add:backend.data.reconnect-ms"));
}

TEST(Caps, WhatIsNotKnownMayBeThere) {
  const QemuCaps nothing;
  EXPECT_TRUE(nothing.may_have_machine("q35") && nothing.may_have_device("x") && nothing.may_have_object("x"));
  EXPECT_TRUE(nothing.may_have_property("x", "y") && nothing.may_have_feature("x"));
  EXPECT_EQ(nothing.who(), "QEMU 0.0.0");
}

TEST(Caps, ReleasesAfterTheMeasuredOneAreUnverified) {
  EXPECT_TRUE((QemuCaps{.version = {7, 2, 0}}).verified());
  EXPECT_TRUE((QemuCaps{.version = {7, 2, 99}}).verified());
  EXPECT_TRUE((QemuCaps{.version = {6, 0, 0}}).verified());
  EXPECT_FALSE((QemuCaps{.version = {8, 0, 0}}).verified());
  EXPECT_FALSE((QemuCaps{.version = {10, 1, 0}}).verified());
}

}  // namespace
}  // namespace visor::sdk
