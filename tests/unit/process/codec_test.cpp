// SPDX-License-Identifier: Apache-2.0
#include "order_codec.hpp"
#include "record_codec.hpp"

#include <gtest/gtest.h>

#include <string>

namespace visor::sdk::wire {
namespace {

TEST(MessageTest, ReadsWhatItWrites) {
  Message message("verb");
  const std::string odd("a=b\\n\n\r\t\0\x7f\xc3\xa4", 11);
  message.add("odd", odd).add("number", std::uint64_t{18446744073709551615U}).add("odd", "").body(odd);
  const auto read = Message::parse(message.encode());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->verb(), "verb");
  EXPECT_EQ(read->get("odd"), odd);
  EXPECT_EQ(read->number("number"), 18446744073709551615U);
  EXPECT_EQ(read->all("odd").size(), 2U);
  EXPECT_EQ(read->body(), odd);
}

TEST(MessageTest, ItsTextIsLinesOfKeyAndValue) {
  EXPECT_EQ(Message("exited").add("text", "a\\b\n\x01").encode(), "exited\ntext=a\\\\b\\n\\x01\n");
}

TEST(MessageTest, RefusesWhatIsNone) {
  for (const auto* text : {"", "\n", "a=b\n", "verb\nno equals\n", "verb\n=value\n", "verb\nk=\\q\n", "verb\nk=\\x1\n",
                           "verb\nk=\\xzz\n", "verb\nk=\\"}) {
    EXPECT_FALSE(Message::parse(text)) << text;
  }
}

TEST(MessageTest, AMissingOrBrokenNumberIsTheFallback) {
  const auto message = Message::parse("v\na=-1\nb=1x\nc=\nd=99999999999999999999\n");
  ASSERT_TRUE(message);
  for (const auto* key : {"a", "b", "c", "d", "e"}) EXPECT_EQ(message->number(key, 7), 7U) << key;
}

ExitRecord record() {
  ExitRecord record;
  record.name = "qemu";
  record.identity = {4711, 123456};
  record.status = {ExitStatus::Kind::signal, 6, true};
  record.time_us = 1'700'000'000'000'000;
  record.ended_by = EndedBy::kill;
  record.cause = "stop";
  record.last_lines = {{9, 10, "qmp", true, "{\"event\": \"A B\"}"}, {10, 11, "qmp", false, ""}};
  record.stderr_tail = "line 1\nline 2\n";
  record.helpers = {{"virtiofsd", {12, 13}, {ExitStatus::Kind::code, 1, false}, 14, "oh no\n  spaces "}};
  return record;
}

TEST(RecordTest, ReadsWhatItWrites) {
  const auto message = Message::parse(encode_record(record()).encode());
  ASSERT_TRUE(message);
  const auto read = parse_record(*message);
  ASSERT_TRUE(read);
  EXPECT_EQ(encode_record(*read).encode(), encode_record(record()).encode());
  EXPECT_EQ(read->status, record().status);
  EXPECT_EQ(read->last_lines[0].line, record().last_lines[0].line);
  EXPECT_EQ(read->helpers[0].stderr_tail, record().helpers[0].stderr_tail);
}

TEST(RecordTest, TheLargestOneFitsAMessage) {
  auto large = record();
  large.stderr_tail = std::string(record_stderr_bytes, '\x01');
  large.last_lines.assign(record_lines, {1, 1, std::string(32, 's'), true, std::string(record_line_bytes, '\x01')});
  large.helpers.assign(16, {std::string(32, 'h'), {1, 1}, {}, 1, std::string(helper_stderr_bytes, '\x01')});
  EXPECT_LE(encode_record(large).encode().size(), max_message);
}

TEST(RecordTest, RefusesAnotherVersionOrAStatusItDoesNotKnow) {
  for (const auto* text : {"exited\nversion=2\nstatus=code:1\n", "exited\nversion=1\nstatus=code:\n",
                           "exited\nversion=1\nstatus=code:256\n", "exited\nversion=1\nstatus=fell\n",
                           "ended\nversion=1\nstatus=code:1\n"}) {
    const auto message = Message::parse(text);
    ASSERT_TRUE(message);
    EXPECT_FALSE(parse_record(*message)) << text;
  }
}

Order order() {
  Order order;
  order.run_dir = "/run/vm";
  auto& main = order.spec.main;
  main.name = "qemu";
  main.argv = {"/usr/bin/qemu", "-machine", "q35"};
  main.env = {"A=1"};
  main.fds = {{3, FdSource::listener, "/run/vm/m", -1}, {4, FdSource::inherited, {}, 0}};
  main.credentials = Credentials{1, 2, {3, 4}};
  main.limits = {{7, 10, 20}};
  main.no_new_privs = true;
  main.netns_fd = 1;
  main.cgroup_dir = "/sys/fs/cgroup/x";
  main.exec_label = "label";
  order.spec.helpers.resize(1);
  order.spec.helpers[0].name = "aide";
  order.spec.helpers[0].argv = {"/bin/true"};
  order.spec.watch.journal.sources = {{"qmp", "/run/vm/m", "x\n"}};
  order.spec.ephemeral = true;
  return order;
}

TEST(OrderTest, ReadsWhatItWrites) {
  const auto bytes = encode_order(order());
  const auto read = decode_order(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(encode_order(*read), bytes);
  EXPECT_EQ(read->spec.main.argv, order().spec.main.argv);
  EXPECT_EQ(read->spec.main.credentials->groups, order().spec.main.credentials->groups);
  EXPECT_EQ(read->spec.main.fds[0].path, "/run/vm/m");
  EXPECT_EQ(read->spec.watch.journal.sources[0].send_on_connect, "x\n");
  EXPECT_TRUE(read->spec.ephemeral);
  EXPECT_EQ(find_problem(*read), "");
}

TEST(OrderTest, RefusesEveryTruncation) {
  const auto bytes = encode_order(order());
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode_order(bytes.substr(0, size))) << size;
  EXPECT_FALSE(decode_order(bytes + 'x'));
}

TEST(OrderTest, SurvivesEveryChangedByte) {
  const auto bytes = encode_order(order());
  std::size_t refused = 0;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const char value : {'\0', '\x7f', '\xff'}) {
      auto changed = bytes;
      changed[at] = value;
      const auto read = decode_order(changed);
      refused += !read || !find_problem(*read).empty();
    }
  }
  EXPECT_GT(refused, bytes.size() / 2);
}

TEST(OrderTest, AHugeCountAllocatesNothing) {
  std::string bytes = encode_order(Order{}).substr(0, 8);
  for (int i = 0; i < 8; ++i) bytes += '\xff';
  EXPECT_FALSE(decode_order(bytes));
}

}  // namespace
}  // namespace visor::sdk::wire
