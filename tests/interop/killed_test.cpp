// SPDX-License-Identifier: MPL-2.0

// Peers that are killed at any time. Messages arrive whole, in order and once.

#include "interop_rig.hpp"
#include "support/child_process.hpp"
#include "support/skip.hpp"

#include <atomic>
#include <csignal>
#include <random>
#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

/// The same messages as in peers/numbers_of.py.
parts sample_of_peer(std::size_t number)
{
    const std::string word = std::to_string(number) + ".";
    std::string bytes;
    const std::size_t size = number * 7919 % 50'000;
    while (bytes.size() < size)
        bytes += word;
    bytes.resize(size);
    return {std::to_string(number), bytes};
}

/// Low marks: the peer is killed while messages are on their way.
const socket_options low_marks = [] {
    socket_options options;
    options.send_high_water_mark = 10;
    options.receive_high_water_mark = 10;
    return reconnect_at_once(options);
}();

/// Returns after how many messages the peer is killed: the same numbers in every run.
std::size_t messages_before_kill()
{
    static std::minstd_rand numbers(4711);
    return std::uniform_int_distribution<std::size_t>(0, 60)(numbers);
}

} // namespace

TEST_CASE("the messages of a killed sender arrive whole and in order")
{
    if (!have_pyzmq())
        SLK_SKIP("needs pyzmq");
    for (const test_endpoint::transport over :
         {test_endpoint::transport::tcp, test_endpoint::transport::ipc_file})
        for (const int threads : {1, 0, 1}) {
            CAPTURE(static_cast<int>(over));
            CAPTURE(threads);
            const test_endpoint place(over);
            context mine = new_context(threads);
            auto ours = new_socket<pull>(mine, low_marks);
            const std::string where = must(ours.bind(place.text()));
            child_process peer(peer_program("numbers.py", {"PUSH", "connect", where}));
            std::size_t next = 0;
            for (const std::size_t end = messages_before_kill(); next < end; ++next)
                REQUIRE(receive_from(ours) == sample_of_peer(next));
            peer.interrupt(SIGKILL);
            // Messages that it sent before are still received, and no others.
            while (!ours.peers().empty() || next == 0) {
                multipart whole;
                const auto got = ours.receive(whole, 100ms);
                if (!got)
                    break;
                REQUIRE(texts_of(whole) == sample_of_peer(next++));
            }
            message extra;
            CHECK(ours.receive(extra, 100ms).error() == errc::timed_out);
            CHECK(ours.peers().empty());
            // The next sender begins with its first message.
            child_process other(peer_program("numbers.py", {"PUSH", "connect", where}));
            for (std::size_t number = 0; number < 20; ++number)
                REQUIRE(receive_from(ours) == sample_of_peer(number));
        }
}

TEST_CASE("killed receivers got messages whole and in order, and none that another one got")
{
    if (!have_pyzmq())
        SLK_SKIP("needs pyzmq");
    for (const test_endpoint::transport over :
         {test_endpoint::transport::tcp, test_endpoint::transport::ipc_file}) {
        CAPTURE(static_cast<int>(over));
        const test_endpoint place(over);
        context mine = new_context();
        auto ours = new_socket<push>(mine, low_marks);
        std::string where = place.text();
        std::atomic<bool> last_is_receiving{false};
        std::jthread sending;
        std::size_t sent = 0;
        long long latest = -1;
        constexpr int receivers = 6;
        for (int round = 0; round < receivers; ++round) {
            child_process peer(peer_program("sink.py", {"bind", where}));
            where = peer.line().value_or("");
            REQUIRE(where != "");
            if (round == 0) {
                must(ours.connect(where));
                sending = std::jthread([&](const std::stop_token& stop) {
                    while (!last_is_receiving &&
                           ours.send(to_multipart(sample_of_peer(sent)), stop))
                        ++sent;
                    for (int more = 0; more < 100; ++more)
                        if (ours.send(to_multipart(sample_of_peer(sent)), {test_timeout, stop}))
                            ++sent;
                });
            }
            const bool is_last = round + 1 == receivers;
            last_is_receiving = is_last;
            const auto receive_one = [&] {
                const auto line = peer.line();
                if (!line)
                    return false;
                REQUIRE(*line != "broken");
                REQUIRE(std::stoll(*line) > latest);
                latest = std::stoll(*line);
                return true;
            };
            for (std::size_t left = 5 + messages_before_kill(); left > 0; --left)
                REQUIRE(receive_one());
            if (is_last) {
                sending.join();
                while (latest + 1 < static_cast<long long>(sent))
                    REQUIRE(receive_one());
            } else {
                peer.interrupt(SIGKILL);
                while (receive_one()) {
                }
            }
        }
        CHECK(ours.peers().front().connections == receivers);
        CHECK(ours.counters().queued_total == sent);
    }
}

TEST_CASE("pyzmq echoes all messages, whichever side binds")
{
    if (!have_pyzmq())
        SLK_SKIP("needs pyzmq");
    for (const std::string type : {"REP", "ROUTER", "DEALER", "PAIR"})
        for (const bool we_bind : {true, false}) {
            CAPTURE(type);
            CAPTURE(we_bind);
            context mine = new_context();
            const auto exchange = [&](auto ours) {
                const std::string where = we_bind ? must(ours.bind(any_tcp)) : any_tcp;
                child_process peer(
                    peer_program("echo.py", {type, we_bind ? "connect" : "bind", where}));
                const auto there = peer.line();
                REQUIRE(there.has_value());
                if (!we_bind)
                    must(ours.connect(*there));
                for (const parts& sample : sample_messages()) {
                    parts whole = type == "REP" ? parts{""} : parts{};
                    whole.insert(whole.end(), sample.begin(), sample.end());
                    REQUIRE(send_to(ours, whole));
                    REQUIRE(shape_of(receive_from(ours)) == shape_of(whole));
                }
            };
            if (type == "PAIR")
                exchange(new_socket<pair>(mine));
            else
                exchange(new_socket<dealer>(mine));
        }
}
