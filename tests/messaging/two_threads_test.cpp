// SPDX-License-Identifier: MPL-2.0

// A lane between two threads that sleep and ring for each other.

#include "../lane/allocations.hpp"
#include "lane_messages.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

/// Where one side sleeps.
class bed {
public:
    void ring()
    {
        const std::lock_guard lock(guard_);
        rung_ = true;
        change_.notify_one();
    }
    /// False: nobody has rung for so long that nobody will.
    [[nodiscard]] bool sleep()
    {
        std::unique_lock lock(guard_);
        const bool woken =
            change_.wait_for(lock, std::chrono::seconds(60), [this] { return rung_; });
        rung_ = false;
        return woken;
    }

private:
    std::mutex guard_;
    std::condition_variable change_;
    bool rung_ = false;
};

/// The messages of a run, which both sides know: sizes from a generator, bytes from one large
/// text.
class script {
public:
    script(unsigned seed, std::size_t largest) : random_(seed), largest_(largest) {}

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
            size = (dice >> 12) % largest_;
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
    std::size_t largest_;
};

struct outcome {
    std::uint64_t received = 0;
    std::uint64_t wrong = 0;
    std::uint64_t torn = 0; ///< messages of which not all was there with the first part
    bool lost_wake = false;
    std::uint64_t allocations = 0; ///< of both sides
};

struct run {
    std::uint64_t mark;
    std::uint64_t messages;
    std::size_t largest = 100'000;
    std::uint64_t batch = 1; ///< messages that are published at a time
};

class two_threads {
public:
    explicit two_threads(const run& how)
        : how_(how), written_(1, how.largest), read_(1, how.largest)
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
                if (at_.lane.producer_must_wait(how_.mark) && !producer_bed_.sleep()) {
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
            consumer_bed_.ring();
    }

    void consume()
    {
        const std::uint64_t before = allocations();
        const std::uint64_t every = how_.mark / 2 + 1;
        std::uint64_t until_look = 1;
        message part;
        while (result_.received < how_.messages) {
            part.clear();
            if (!messaging::read_part(at_.lane, part)) {
                if (at_.lane.consume(0, true))
                    producer_bed_.ring();
                if (at_.lane.consumer_must_wait() && !consumer_bed_.sleep()) {
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
                until_look = every;
            if (at_.lane.consume(1, look))
                producer_bed_.ring();
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
    bed producer_bed_, consumer_bed_;
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

TEST_CASE("two threads and small marks: every message arrives, and nobody sleeps for ever")
{
    for (const std::uint64_t mark : {1u, 2u, 3u, 10u})
        (void)check_run({.mark = mark, .messages = 100'000});
}

TEST_CASE("two threads and a large mark")
{
    (void)check_run({.mark = 1000, .messages = 1'000'000});
}

TEST_CASE("two threads, and messages that are published in batches")
{
    (void)check_run({.mark = 1000, .messages = 500'000, .batch = 50});
    (void)check_run({.mark = 7, .messages = 100'000, .batch = 50});
}

TEST_CASE("two threads without a mark")
{
    (void)check_run({.mark = 0, .messages = 300'000, .largest = 1000});
}

TEST_CASE("two threads use the same few chunks again and again")
{
    const outcome result = check_run({.mark = 100, .messages = 500'000, .largest = 1000});
    CHECK(result.allocations < 100);
}

TEST_CASE("two threads, and messages that span chunks: all of one is there with its first byte")
{
    constexpr int messages = 20'000;
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
            // The other thread is looked for without a pause, to come in at any moment.
            while (part.clear(), !messaging::read_part(at.lane, part))
                torn += left < parts_of_each ? 1 : 0;
            if (left == 1)
                (void)at.lane.consume(1, false);
        }
    CHECK(torn == 0);
}
