// SPDX-License-Identifier: MPL-2.0
#include "io/backend/kqueue/event.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <vector>

using namespace slk;
using io::kqueue::decode;
using io::kqueue::descriptor_ids;
using io::kqueue::event;
using io::kqueue::failure_of;
using io::kqueue::filter;
using io::kqueue::meaning;

namespace {

// <sys/event.h> of those systems.
constexpr std::uint32_t ev_add = 0x0001;
constexpr std::uint32_t ev_clear = 0x0020;
constexpr std::uint32_t ev_receipt = 0x0040;
constexpr std::uint32_t ev_error = 0x4000;
constexpr std::uint32_t ev_eof = 0x8000;
// errno differs by system, and the number is passed on as it is: macOS' ECONNREFUSED.
constexpr std::uint32_t refused_code = 61;

constexpr std::uint32_t registered = ev_add | ev_clear;

event socket_event(filter kind, std::uint32_t flags, std::uint32_t fflags = 0,
                   std::int64_t data = 0)
{
    return {.ident = 7, .filter = kind, .flags = flags, .fflags = fflags, .data = data, .tag = 1};
}

/// The receipts for a change of both filters.
std::vector<event> receipts(std::int64_t write, std::int64_t read)
{
    return {socket_event(filter::write, registered | ev_receipt | ev_error, 0, write),
            socket_event(filter::read, registered | ev_receipt | ev_error, 0, read)};
}

} // namespace

TEST_CASE("K1: a refused connect is the write filter's end of file, with its errno beside it")
{
    const meaning says =
        decode(socket_event(filter::write, registered | ev_eof, refused_code, 32768));
    CHECK(says.writable); // worth looking at SO_ERROR
    CHECK(says.unusual);
    CHECK(says.failure == refused_code);
    CHECK_FALSE(says.readable);
}

TEST_CASE("K2: the end of one direction is no failure")
{
    // The peer's half-close, and the same with bytes before it.
    for (const std::int64_t bytes : {0, 512}) {
        const meaning says = decode(socket_event(filter::read, registered | ev_eof, 0, bytes));
        CHECK(says.readable);
        CHECK(says.unusual);
        CHECK(says.failure == 0);
        CHECK_FALSE(says.writable);
    }
}

TEST_CASE("K3: a writable socket is worth a try, and not reported as connected")
{
    const meaning says = decode(socket_event(filter::write, registered, 0, 146988));
    CHECK(says.writable);
    CHECK_FALSE(says.unusual);
    CHECK(says.failure == 0);
}

TEST_CASE("K4: a change that fails is found in each position, and a success is no failure")
{
    CHECK(failure_of({}) == 0);
    CHECK(failure_of(receipts(0, 0)) == 0);
    CHECK(failure_of(receipts(ENOMEM, 0)) == ENOMEM);
    CHECK(failure_of(receipts(0, ENOMEM)) == ENOMEM);
    CHECK(failure_of(receipts(EBADF, ENOMEM)) == EBADF);
    std::vector<event> many;
    for (int number = 0; number < 8; ++number)
        for (const event& each : receipts(0, 0))
            many.push_back(each);
    for (event& failing : many) {
        failing.data = ENOMEM;
        CHECK(failure_of(many) == ENOMEM);
        failing.data = 0;
    }
}

TEST_CASE("K4: a peer that is gone before the write filter exists is reported by the read filter")
{
    CHECK(failure_of(receipts(EPIPE, 0)) == 0);
    CHECK(failure_of(receipts(EPIPE, ENOMEM)) == ENOMEM);
    CHECK(failure_of(receipts(0, EPIPE)) == EPIPE);
    // While the socket connects there is no read filter.
    const std::vector<event> both = receipts(EPIPE, 0);
    CHECK(failure_of(std::span(both).first(1)) == EPIPE);
}

TEST_CASE("K4: an error among the events of a wait makes everything worth a try")
{
    const meaning says = decode(socket_event(filter::read, ev_error, 0, EBADF));
    CHECK(says.unusual);
    CHECK(says.failure == EBADF);
    CHECK_FALSE(decode(socket_event(filter::read, ev_error, 0, 0)).unusual);
}

TEST_CASE("K5: an end of file with a reset and with data left is read to its end")
{
    const meaning says = decode(socket_event(filter::read, registered | ev_eof, 54, 4096));
    CHECK(says.readable);
    CHECK(says.unusual); // or a short receive would be taken for the last one
    CHECK(says.failure == 54);
}

TEST_CASE("K6: an event of an earlier socket with the same descriptor is ignored")
{
    descriptor_ids ids;
    const io::socket_id first{3, 1};
    const auto reported = [](std::uintptr_t descriptor, io::socket_id id) {
        return event{.ident = descriptor,
                     .filter = filter::read,
                     .flags = registered,
                     .tag = descriptor_ids::tag_of(id)};
    };
    CHECK_FALSE(ids.find(reported(7, first)));
    CHECK(ids.remember(7, first));
    CHECK(ids.find(reported(7, first)) == first);
    CHECK_FALSE(ids.find(reported(8, first)));
    CHECK_FALSE(ids.find(reported(100000, first)));
    // The same slot, another slot with the same generation, and many more.
    for (std::uint32_t number = 1; number < 1000; ++number)
        for (const io::socket_id later :
             {io::socket_id{3, 1 + number}, io::socket_id{3 + number, 1},
              io::socket_id{3 + number, 1 + number}}) {
            CHECK(ids.remember(7, later));
            CHECK(ids.find(reported(7, later)) == later);
            CHECK_FALSE(ids.find(reported(7, first)));
        }
    ids.forget(7);
    CHECK_FALSE(ids.find(reported(7, first)));
    ids.forget(100000);
    CHECK(ids.remember(100000, first));
    CHECK(ids.find(reported(100000, first)) == first);
}
