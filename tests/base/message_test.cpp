// SPDX-License-Identifier: MPL-2.0

// Messages: the ownership and the life of their bytes.

#include <serverlink/message.hpp>

#include "../lane/lane_rig.hpp"

#include <doctest/doctest.h>

#include <thread>
#include <type_traits>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

message copy(std::string_view text)
{
    auto made = message::copy_of(text);
    REQUIRE(made);
    return std::move(*made);
}

message allocated(std::size_t size)
{
    auto made = message::allocate(size);
    REQUIRE(made);
    return std::move(*made);
}

constexpr std::size_t sizes[] = {0, 1, 63, 64, 65, 255, 1000, 100'000};

static_assert(!std::is_copy_constructible_v<message>);
static_assert(std::is_nothrow_move_constructible_v<message>);
static_assert(std::is_nothrow_move_assignable_v<message>);

} // namespace

TEST_CASE("a message begins empty")
{
    const message none{};
    CHECK(none.empty());
    CHECK(none.size() == 0);
    CHECK(none.text().empty());
    CHECK_FALSE(none.more());
    CHECK(copy("").empty());
}

TEST_CASE("a copy has the bytes, and not their memory")
{
    for (const std::size_t size : sizes) {
        std::string text(size, 'x');
        const message made = copy(text);
        text.assign(size, 'y');
        CHECK(made.size() == size);
        CHECK(made.bytes().size() == size);
        CHECK((made.text() == std::string(size, 'x')));
        CHECK_FALSE(made.more());
    }
}

TEST_CASE("allocated memory is zero, and writable while there is one reference to it")
{
    for (const std::size_t size : sizes) {
        message made = allocated(size);
        REQUIRE(made.writable().size() == size);
        CHECK((made.text() == std::string(size, '\0')));
        for (std::byte& byte : made.writable())
            byte = std::byte{'w'};
        CHECK((made.text() == std::string(size, 'w')));
        // The message was moved, not shared.
        message moved = std::move(made);
        CHECK(moved.writable().size() == size);
    }
}

TEST_CASE("bytes that two messages share are not writable until one of them is gone")
{
    message one = allocated(100);
    {
        message two = one.copy();
        CHECK(two.data() == one.data());
        CHECK(one.writable().empty());
        CHECK(two.writable().empty());
    }
    CHECK(one.writable().size() == 100);

    // A small message is copied, so each has its own bytes.
    message small = copy("small");
    message other = small.copy();
    REQUIRE(other.writable().size() == 5);
    other.writable()[0] = std::byte{'S'};
    CHECK(small.text() == "small");
    CHECK(other.text() == "Small");
}

TEST_CASE("more memory than can exist is an error")
{
    const auto made = message::allocate(SIZE_MAX - 1);
    REQUIRE_FALSE(made);
    CHECK(made.error().code == errc::out_of_memory);
}

TEST_CASE("adopted memory is referred to, even when it is small, and never writable")
{
    for (const std::size_t size : sizes) {
        lent_memory lent(std::string(size, 'a'));
        {
            message made = lent.lend();
            CHECK(static_cast<const void*>(made.data()) == lent.text().data());
            CHECK((made.text() == lent.text()));
            CHECK(made.writable().empty());
        }
        CHECK(lent.is_back());
        CHECK(lent.released() == 1);
    }
    static constexpr std::string_view for_ever = "for ever";
    const auto constant = message::adopt(std::as_bytes(std::span(for_ever)), nullptr);
    REQUIRE(constant);
    CHECK(constant->text() == for_ever);
}

TEST_CASE("adopted memory is released once, with the last message that refers to it")
{
    lent_memory lent(std::string(100, 'a'));
    message one = lent.lend();
    message two = one.copy();
    message three = std::move(one);
    message four;
    four = std::move(two);
    CHECK(one.empty()); // NOLINT: a message that was moved from is empty
    CHECK(two.empty()); // NOLINT
    one.clear();
    two = message();
    CHECK(lent.released() == 0);
    three.clear();
    three.clear();
    CHECK(lent.released() == 0);
    four = copy("other");
    CHECK(lent.is_back());
    CHECK(four.text() == "other");
}

TEST_CASE("a message that is assigned to releases its bytes, except when it is assigned to itself")
{
    lent_memory first("first"), second("second");
    message one = first.lend();
    message& same = one;
    one = std::move(same);
    CHECK(one.text() == "first");
    CHECK(first.released() == 0);
    one = second.lend();
    CHECK(first.is_back());
    CHECK(one.text() == "second");
}

TEST_CASE("whether more follows goes with the bytes when they are moved or shared")
{
    message part = copy("part");
    message_detail::access::set_more(part, true);
    CHECK(part.copy().more());
    CHECK((part == copy("part")));
    message moved = std::move(part);
    CHECK(moved.more());
    CHECK_FALSE(part.more()); // NOLINT
    moved.clear();
    CHECK_FALSE(moved.more());
}

TEST_CASE("messages are equal if their bytes are")
{
    lent_memory lent(std::string(100, 'a'));
    CHECK((lent.lend() == copy(std::string(100, 'a'))));
    CHECK_FALSE((copy("a") == copy("b")));
    CHECK_FALSE((copy("a") == copy("aa")));
    CHECK((message() == copy("")));
}

TEST_CASE("memory that threads share is released once, by the last of them")
{
    lent_memory lent(std::string(1000, 't'));
    for (int round = 0; round < 300; ++round) {
        std::vector<message> shared;
        shared.push_back(lent.lend());
        while (shared.size() < 8)
            shared.push_back(shared.front().copy());
        std::vector<std::jthread> threads;
        for (std::size_t half = 0; half < 2; ++half)
            threads.emplace_back([&shared, half] {
                for (std::size_t each = half; each < shared.size(); each += 2) {
                    message mine = std::move(shared[each]);
                    message again = mine.copy();
                    mine.clear();
                }
            });
    }
    CHECK(lent.is_back());
}

TEST_CASE("all parts of a message are kept in order, and move together")
{
    multipart all;
    CHECK(all.empty());
    REQUIRE(all.add("one"));
    all.add(copy(std::string(100, 'x')));
    REQUIRE(all.add(""));
    multipart moved = std::move(all);
    REQUIRE(moved.size() == 3);
    CHECK(moved[0].text() == "one");
    CHECK(moved[1].size() == 100);
    CHECK(moved[2].empty());
    std::size_t count = 0;
    for (const message& each : moved)
        count += each.size();
    CHECK(count == 103);
    moved.clear();
    CHECK(moved.empty());
}

TEST_CASE("memory that is allocated to be overwritten has its size and can be written to")
{
    for (const std::size_t size : sizes) {
        auto made = message::allocate_for_overwrite(size);
        REQUIRE(made);
        REQUIRE(made->size() == size);
        REQUIRE(made->writable().size() == size);
        if (size > 0)
            std::memset(made->writable().data(), 'x', size);
        CHECK(made->text() == std::string(size, 'x'));
        // Reused memory has zeros in it where they were asked for.
        made->clear();
        CHECK(allocated(size).text() == std::string(size, '\0'));
    }
}

TEST_CASE(
    "a lack of memory for the parts of a message is an error, and leaves the message as it is")
{
    multipart whole;
    REQUIRE(whole.add("a part"));
    CHECK(whole.reserve(SIZE_MAX).error() == errc::out_of_memory);
    REQUIRE(whole.size() == 1);
    CHECK(whole[0].text() == "a part");
    CHECK(whole.reserve(100));
    CHECK(whole.add(std::string(100, 'x')));
}
