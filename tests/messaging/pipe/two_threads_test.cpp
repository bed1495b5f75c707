// SPDX-License-Identifier: MPL-2.0

// A lane between two threads that sleep and wake each other.

#include "lane/allocations.hpp"
#include "messaging/context/thread_parker.hpp"
#include "messaging/lane_messages.hpp"
#include "support/sanitized.hpp"

#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

/// A sleep that takes this long has lost its wake.
constexpr duration lane_wake_timeout = std::chrono::seconds(60);

/// The messages of a run, which both sides can compute: sizes from a generator, bytes from one
/// large text.
class script {
public:
    script(unsigned seed, std::size_t max_size) : random_(seed), max_size_(max_size) {}

    struct part {
        std::string_view text;
        bool more;
    };
    [[nodiscard]] part next()
    {
        const auto dice = static_cast<std::uint32_t>(random_());
        std::size_t size = dice % 70;
        if (dice % 64 == 1)
            size = (dice >> 8) % 1000;
        if (dice % 4096 == 2)
            size = (dice >> 12) % max_size_;
        const std::size_t from = (dice >> 6) % 1000;
        return {std::string_view(text()).substr(from, size), dice >> 29 == 0};
    }

private:
    static const std::string& text()
    {
        static const std::string made = text_of_size(101'000);
        return made;
    }

    std::mt19937 random_;
    std::size_t max_size_;
};

struct outcome {
    std::uint64_t received = 0;
    std::uint64_t wrong = 0;
    std::uint64_t torn = 0; ///< messages whose first part could be read before the last one
    bool lost_wake = false;
    std::uint64_t allocations = 0; ///< of both sides
};

struct run {
    std::uint64_t mark;
    std::uint64_t messages;
    std::size_t max_size = 100'000;
    std::uint64_t batch = 1; ///< messages that are published at a time
};

class two_threads {
public:
    explicit two_threads(const run& how)
        : how_(how), written_(1, how.max_size), read_(1, how.max_size)
    {
    }

    [[nodiscard]] outcome go()
    {
        {
            std::jthread producer([this] { produce(); });
            consume();
        }
        result_.allocations += produced_with_;
        result_.lost_wake = result_.lost_wake || producer_lost_wake_;
        return result_;
    }

private:
    void produce()
    {
        const std::uint64_t before = allocations();
        std::uint64_t staged = 0;
        for (std::uint64_t sent = 0; sent < how_.messages; ++sent) {
            while (at_.lane.credit(how_.mark) <= staged) {
                publish(std::exchange(staged, 0));
                if (at_.lane.producer_must_wait(how_.mark) &&
                    !producer_parker_.park(lane_wake_timeout)) {
                    producer_lost_wake_ = true;
                    return;
                }
            }
            script::part part{};
            do {
                part = written_.next();
                if (!messaging::write_part(at_.lane, bytes_of(part.text), nullptr, part.more))
                    std::abort();
            } while (part.more);
            if (++staged == how_.batch)
                publish(std::exchange(staged, 0));
        }
        publish(staged);
        produced_with_ = allocations() - before;
    }

    void publish(std::uint64_t messages)
    {
        if (messages > 0 && at_.lane.publish(messages))
            consumer_parker_.wake();
    }

    void consume()
    {
        const std::uint64_t before = allocations();
        const std::uint64_t interval = how_.mark / 2 + 1;
        std::uint64_t until_look = 1;
        message part;
        while (result_.received < how_.messages) {
            part.clear();
            if (!messaging::read_part(at_.lane, part)) {
                if (at_.lane.consume(0, true))
                    producer_parker_.wake();
                if (at_.lane.consumer_must_wait() && !consumer_parker_.park(lane_wake_timeout)) {
                    result_.lost_wake = true;
                    return;
                }
                continue;
            }
            check(part);
            while (part.more()) {
                part.clear();
                if (!messaging::read_part(at_.lane, part)) {
                    ++result_.torn;
                    return;
                }
                check(part);
            }
            ++result_.received;
            const bool look = --until_look == 0;
            if (look)
                until_look = interval;
            if (at_.lane.consume(1, look))
                producer_parker_.wake();
        }
        result_.allocations = allocations() - before;
        part.clear();
        result_.wrong += messaging::read_part(at_.lane, part) ? 1 : 0;
    }

    void check(const message& part)
    {
        const script::part expected = read_.next();
        if (part.text() != expected.text || part.more() != expected.more)
            ++result_.wrong;
    }

    const run how_;
    open_lane at_;
    script written_, read_;
    messaging::thread_parker producer_parker_, consumer_parker_;
    outcome result_;
    bool producer_lost_wake_ = false;
    std::uint64_t produced_with_ = 0;
};

outcome check_run(const run& how)
{
    CAPTURE(how.mark);
    const outcome result = two_threads(how).go();
    CHECK_FALSE(result.lost_wake);
    CHECK(result.torn == 0);
    CHECK(result.wrong == 0);
    CHECK(result.received == how.messages);
    return result;
}

} // namespace

TEST_CASE("two threads and small marks: every message arrives, and no wake is lost")
{
    for (const std::uint64_t mark : {1u, 2u, 3u, 10u})
        (void)check_run({.mark = mark, .messages = repeats(100'000)});
}

TEST_CASE("two threads and a large mark")
{
    (void)check_run({.mark = 1000, .messages = repeats(1'000'000)});
}

TEST_CASE("two threads, with messages that are published in batches")
{
    (void)check_run({.mark = 1000, .messages = repeats(500'000), .batch = 50});
    (void)check_run({.mark = 7, .messages = repeats(100'000), .batch = 50});
}

TEST_CASE("two threads without a mark")
{
    (void)check_run({.mark = 0, .messages = repeats(300'000), .max_size = 1000});
}

TEST_CASE("two threads use the same few chunks again and again")
{
    const outcome result = check_run({.mark = 100, .messages = repeats(500'000), .max_size = 1000});
    CHECK(result.allocations < 100);
}

TEST_CASE("two threads, with messages that span chunks: a message becomes readable as a whole")
{
    constexpr int messages = repeats(20'000);
    constexpr int parts_of_each = 20;
    const std::string body = text_of_size(4000);
    open_lane at;
    std::jthread producer([&] {
        for (int sent = 0; sent < messages; ++sent) {
            while (at.lane.credit(4) == 0)
                std::this_thread::yield();
            for (int left = parts_of_each; left > 0; --left)
                if (!messaging::write_part(at.lane, bytes_of(body), nullptr, left > 1))
                    std::abort();
            (void)at.lane.publish(1);
        }
    });
    int torn = 0;
    message part;
    for (int received = 0; received < messages; ++received)
        for (int left = parts_of_each; left > 0; --left) {
            // Polls without a pause, so that it may read at any moment of a publish.
            while (part.clear(), !messaging::read_part(at.lane, part))
                torn += left < parts_of_each ? 1 : 0;
            if (left == 1)
                (void)at.lane.consume(1, false);
        }
    CHECK(torn == 0);
}
