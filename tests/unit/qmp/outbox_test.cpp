// SPDX-License-Identifier: Apache-2.0
#include "batch_text.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>

namespace visor::sdk::qmp {
namespace {

Outbox::Line line(CallId id, std::string bytes, bool with_fd = false) {
  return {id, std::move(bytes), UniqueFd{with_fd ? ::open("/dev/null", O_RDONLY | O_CLOEXEC) : -1}};
}

TEST(QmpOutbox, GoesOnWhereASocketStoppedTaking) {
  Outbox outbox;
  outbox.push(line(1, "abc"));
  outbox.push(line(2, "defg"));
  EXPECT_EQ(text_of(outbox.begin(true)), "abcdefg");
  EXPECT_EQ(outbox.commit(5).lines, 1U);
  EXPECT_EQ(outbox.size(), 2U);
  EXPECT_EQ(text_of(outbox.begin(true)), "fg");
  EXPECT_EQ(outbox.commit(2).lines, 1U);
  EXPECT_EQ(outbox.begin(true).count, 0U);
}

TEST(QmpOutbox, WithdrawsWhatWasNotBegun) {
  Outbox outbox;
  outbox.push(line(1, "abc"));
  outbox.push(line(2, "def"));
  (void)outbox.begin(true);
  (void)outbox.commit(1);
  EXPECT_EQ(outbox.withdraw(1), Outbox::Withdrawal::too_late);
  EXPECT_EQ(outbox.withdraw(2), Outbox::Withdrawal::done);
  EXPECT_EQ(outbox.withdraw(3), Outbox::Withdrawal::too_late);
  EXPECT_EQ(text_of(outbox.begin(true)), "bc");
}

TEST(QmpOutbox, DecidesAfterTheWriteAboutWhatWasWithdrawnDuringIt) {
  Outbox outbox;
  outbox.push(line(1, "abc"));
  outbox.push(line(2, "def"));
  outbox.push(line(3, "ghi"));
  outbox.push(line(4, "jkl"));
  const auto batch = outbox.begin(true);
  EXPECT_EQ(outbox.withdraw(2), Outbox::Withdrawal::undecided);
  EXPECT_EQ(outbox.withdraw(3), Outbox::Withdrawal::undecided);
  EXPECT_EQ(text_of(batch), "abcdefghijkl");  // stays valid
  const auto committed = outbox.commit(4);
  EXPECT_EQ(committed.lines, 1U);
  EXPECT_EQ(committed.withdrawn, std::vector<CallId>{3});
  EXPECT_EQ(text_of(outbox.begin(true)), "efjkl");
  EXPECT_EQ(outbox.size(), 5U);
}

TEST(QmpOutbox, SendsADescriptorWithTheFirstByteOfItsLine) {
  Outbox outbox;
  outbox.push(line(1, "abc"));
  outbox.push(line(2, "def", true));
  outbox.push(line(3, "ghi"));
  auto batch = outbox.begin(true);
  EXPECT_EQ(text_of(batch), "abc");
  EXPECT_EQ(batch.fd, -1);
  (void)outbox.commit(3);
  EXPECT_EQ(outbox.begin(false).count, 0U);
  batch = outbox.begin(true);
  EXPECT_EQ(text_of(batch), "def");
  EXPECT_GE(batch.fd, 0);
  EXPECT_EQ(batch.fd_line, 2U);
  (void)outbox.commit(1);
  batch = outbox.begin(false);  // begun already: it must be finished, without sending the descriptor again
  EXPECT_EQ(text_of(batch), "ef");
  EXPECT_EQ(batch.fd, -1);
  EXPECT_EQ(batch.fd_line, 0U);
  (void)outbox.commit(2);
  EXPECT_EQ(text_of(outbox.begin(false)), "ghi");
}

TEST(QmpOutbox, TakesBoundedBatches) {
  Outbox outbox;
  for (CallId id = 1; id <= 40; ++id) outbox.push(line(id, "x"));
  std::size_t sent = 0;
  while (const auto count = outbox.begin(true).count) {
    EXPECT_LE(count, 16U);
    EXPECT_EQ(outbox.commit(count).lines, count);
    sent += count;
  }
  EXPECT_EQ(sent, 40U);
}

TEST(QmpOutbox, SplitsALineThatIsLongerThanABatch) {
  Outbox outbox;
  outbox.push(line(1, "abc"));
  outbox.push(line(2, std::string(Outbox::max_batch_bytes, 'x')));
  outbox.push(line(3, "def"));
  EXPECT_EQ(text_of(outbox.begin(true)).size(), Outbox::max_batch_bytes);
  EXPECT_EQ(outbox.withdraw(3), Outbox::Withdrawal::done);
  EXPECT_EQ(outbox.commit(Outbox::max_batch_bytes).lines, 1U);
  EXPECT_EQ(outbox.withdraw(2), Outbox::Withdrawal::too_late);
  EXPECT_EQ(text_of(outbox.begin(true)), "xxx");
  EXPECT_EQ(outbox.commit(3).lines, 1U);
  EXPECT_EQ(outbox.size(), 0U);
}

}  // namespace
}  // namespace visor::sdk::qmp
