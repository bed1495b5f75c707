// SPDX-License-Identifier: MPL-2.0
#include "support/skip.hpp"
#include "vectors.hpp"
#include "zmtp/frame.hpp"

#include <serverlink/random.hpp>

#include <doctest/doctest.h>

using namespace slk;
using namespace slk::zmtp;
using namespace slk::testing;

namespace {

bytes frame_of(std::uint8_t flags, const bytes& body)
{
    bytes header(long_header);
    header.resize(write_header(header.data(), flags, body.size()));
    return header + body;
}

bytes repeated(std::size_t count, char letter)
{
    return testing::bytes_of(std::string(count, letter));
}

} // namespace

TEST_CASE("frames are written as libzmq writes them")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    const auto captured = [](const char* name) { return to_hex(vector_of("frames", name)); };
    CHECK(to_hex(frame_of(0, {})) == captured("empty"));
    CHECK(to_hex(frame_of(0, testing::bytes_of("hello"))) == captured("hello"));
    CHECK(to_hex(frame_of(flag_more, testing::bytes_of("a")) + frame_of(flag_more, {}) +
                 frame_of(0, testing::bytes_of("bc"))) == captured("multipart_a_empty_bc"));
    CHECK(to_hex(frame_of(0, repeated(255, 'x'))) == captured("len255"));
    CHECK(to_hex(frame_of(0, repeated(256, 'y'))) == captured("len256"));
    CHECK(to_hex(frame_of(flag_more, repeated(256, 'z')) + frame_of(0, testing::bytes_of("q"))) ==
          captured("multipart_long_short"));
}

TEST_CASE("all captured frames are scanned as whole messages, and a cut-off end is left")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    for (const char* file : {"frames", "reqrep"}) {
        for (const auto& [name, data] : vectors_of(file)) {
            INFO(name);
            message_progress begun;
            const scanned all = scan_messages(data, {}, begun);
            CHECK(begun.parts == 0);
            CHECK(all.size == data.size());
            CHECK(all.whole_messages == data.size());
            CHECK(all.messages == 1);
            const scanned cut = scan_messages(byte_view(data).first(data.size() - 1), {}, begun);
            CHECK(cut.messages == 0);
            CHECK(cut.whole_messages == 0);
            CHECK(cut.frames == all.frames - 1);
        }
    }
}

TEST_CASE("the size of the body chooses the header")
{
    struct row {
        std::uint64_t body;
        const char* header;
    };
    const row rows[] = {
        {0, "04 00"},
        {255, "04 ff"},
        {256, "06 00 00 00 00 00 00 01 00"},
        {65536, "06 00 00 00 00 00 01 00 00"},
        {max_size, "06 7f ff ff ff ff ff ff ff"},
    };
    for (const row& expected : rows) {
        bytes header(long_header);
        header.resize(write_header(header.data(), flag_command, expected.body));
        CHECK(to_hex(header) == expected.header);
        CHECK(header.size() == header_size(expected.body));
        const header_view seen = read_header(header, {max_size, max_size});
        CHECK(seen.frame.size == expected.body);
        CHECK(seen.frame.header == header.size());
        CHECK(seen.frame.command);
        CHECK_FALSE(seen.failure);
    }
}

TEST_CASE("a header is read from every byte of its flags and size")
{
    struct row {
        const char* bytes;
        std::size_t need;
        std::uint64_t size;
        bool more, command;
        errc failure;
    };
    const row rows[] = {
        {"", 2, 0, false, false, errc::ok},
        {"00", 1, 0, false, false, errc::ok},
        {"02", 1, 0, false, false, errc::ok},
        {"02 00", 7, 0, false, false, errc::ok},
        {"02 00 00 00 00 00 00 00", 1, 0, false, false, errc::ok},
        {"02 00 00 00 00 00 00 00 03", 0, 3, false, false, errc::ok}, // long, though small
        {"01 07", 0, 7, true, false, errc::ok},
        {"04 07", 0, 7, false, true, errc::ok},
        {"05 07", 0, 7, false, true, errc::ok}, // MORE of a command is ignored
        {"f8 07", 0, 7, false, false, errc::ok}, // so are bits 3 to 7
        {"ff 00 00 00 00 00 00 00 07", 0, 7, false, true, errc::ok},
        {"00 64", 0, 100, false, false, errc::ok},
        {"00 65", 0, 101, false, false, errc::message_too_large},
        {"02 00 00 00 00 00 00 00 65", 0, 101, false, false, errc::message_too_large},
        {"04 32", 0, 50, false, true, errc::ok},
        {"04 33", 0, 51, false, true, errc::message_too_large},
        {"02 7f ff ff ff ff ff ff ff", 0, max_size, false, false, errc::message_too_large},
        {"02 80 00 00 00 00 00 00 00", 0, max_size + 1, false, false, errc::protocol_error},
        {"06 ff ff ff ff ff ff ff ff", 0, ~0ull, false, true, errc::protocol_error},
    };
    for (const row& expected : rows) {
        INFO(std::string(expected.bytes));
        const header_view seen = read_header(from_hex(expected.bytes), {100, 50});
        CHECK(seen.need == expected.need);
        CHECK(seen.failure.code == expected.failure);
        if (seen.need > 0)
            continue;
        CHECK(seen.frame.size == expected.size);
        CHECK(seen.frame.more == expected.more);
        CHECK(seen.frame.command == expected.command);
    }
}

TEST_CASE("a scan stops before a command, a frame above the limit and an impossible size")
{
    const bytes two =
        frame_of(flag_more, testing::bytes_of("one")) + frame_of(0, testing::bytes_of("two"));
    for (const char* stopper :
         {"04 00", "06 00 00 00 00 00 00 00 00", "00 65", "02 00 00 00 00 00 00 00 65",
          "02 ff ff ff ff ff ff ff ff", "02 00 00", "00", "00 05 61 61"}) {
        INFO(std::string(stopper));
        const bytes run = two + from_hex(stopper);
        message_progress begun;
        const scanned found = scan_messages(run, {100, 100}, begun);
        CHECK(found.size == two.size());
        CHECK(found.frames == 2);
        CHECK(found.messages == 1);
        CHECK(found.whole_messages == two.size());
    }
}

TEST_CASE("a scan counts what reading header by header counts")
{
    random_stream random(7);
    for (int round = 0; round < 2000; ++round) {
        bytes run;
        while (run.size() < 2000) {
            const std::uint64_t bits = random.next();
            const std::size_t size = (bits & 0x300) == 0 ? bits % 600 : bits % 40;
            std::uint8_t flags = (bits & 0x10000) != 0 ? flag_more : 0;
            if ((bits & 0xff000000) == 0)
                flags = flag_command;
            run = run + frame_of(flags, bytes(size, std::byte{0x05}));
        }
        run.resize(run.size() - random.next() % 300);
        const frame_limits limits{
            .part = 590, .command = 1000, .message = 650 + random.next() % 200, .parts = 9};
        message_progress begun, in_scan;
        scanned slowly;
        for (byte_view rest = run;;) {
            const header_view seen = read_header(rest, limits, begun);
            if (seen.need > 0 || seen.failure || seen.frame.command ||
                rest.size() - seen.frame.header < seen.frame.size)
                break;
            const std::size_t whole = seen.frame.header + static_cast<std::size_t>(seen.frame.size);
            rest = rest.subspan(whole);
            begun.add(seen.frame.size, seen.frame.more);
            slowly.size += whole;
            ++slowly.frames;
            if (!seen.frame.more) {
                ++slowly.messages;
                slowly.whole_messages = slowly.size;
            }
        }
        const scanned found = scan_messages(run, limits, in_scan);
        REQUIRE(in_scan.bytes == begun.bytes);
        REQUIRE(in_scan.parts == begun.parts);
        REQUIRE(found.size == slowly.size);
        REQUIRE(found.frames == slowly.frames);
        REQUIRE(found.messages == slowly.messages);
        REQUIRE(found.whole_messages == slowly.whole_messages);
    }
}

TEST_CASE("a scan stops before the frame with which a message exceeds a limit, wherever it is cut")
{
    const frame_limits limits{.part = 50, .command = 100, .message = 100, .parts = 3};
    struct row {
        const char* what;
        std::vector<std::size_t> sizes; ///< of the parts; all but the last one have MORE
        std::size_t accepted;
    };
    const row rows[] = {
        {"", {50, 50}, 2},
        {"", {50, 0, 50}, 3},
        {"", {50}, 1},
        {"max_part_size", {51}, 0},
        {"max_part_size", {10, 51}, 1},
        {"max_message_size", {50, 50, 1}, 2},
        {"max_message_size", {40, 30, 31}, 2},
        {"max_message_parts", {1, 1, 1, 1}, 3},
        {"max_message_parts", {0, 0, 0, 0}, 3},
    };
    for (const row& expected : rows) {
        const bytes before = frame_of(flag_more, bytes(50)) + frame_of(0, bytes(50));
        bytes run = before;
        std::vector<std::size_t> ends;
        for (std::size_t index = 0; index < expected.sizes.size(); ++index) {
            const bool last = index + 1 == expected.sizes.size();
            run = run + frame_of(last ? 0 : flag_more, bytes(expected.sizes[index]));
            ends.push_back(run.size());
        }
        const std::size_t end =
            expected.accepted == 0 ? before.size() : ends[expected.accepted - 1];
        for (std::size_t cut = 0; cut <= run.size(); ++cut) {
            message_progress begun;
            const scanned first = scan_messages(byte_view(run).first(cut), limits, begun);
            const byte_view left = byte_view(run).subspan(first.size);
            const scanned second = scan_messages(left, limits, begun);
            REQUIRE(first.size + second.size == end);
            REQUIRE(first.frames + second.frames == 2 + expected.accepted);
            const header_view seen = read_header(left.subspan(second.size), limits, begun);
            if (std::string_view(expected.what).empty()) {
                REQUIRE(end == run.size());
                REQUIRE(begun.parts == 0);
                continue;
            }
            REQUIRE(seen.failure.code == errc::message_too_large);
            REQUIRE(std::string_view(seen.failure.detail).find(expected.what) !=
                    std::string_view::npos);
        }
    }
}
