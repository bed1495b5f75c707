// SPDX-License-Identifier: MPL-2.0

// Peers that are killed at any moment. What arrives is whole, in order, and nothing comes twice.

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

/// As peers/numbers_of.py has them.
parts numbered(std::size_t number)
{
    const std::string word = std::to_string(number) + ".";
    std::string bytes;
    const std::size_t size = number * 7919 % 50'000;
    while (bytes.size() < size)
        bytes += word;
    bytes.resize(size);
    return {std::to_string(number), bytes};
}

/// Little waits anywhere, so that a kill strikes in the middle of something.
const socket_options few = [] {
    socket_options options;
    options.send_high_water_mark = 10;
    options.receive_high_water_mark = 10;
    return reconnect_at_once(options);
}();

/// A moment for a kill: so many messages later. The same moments in every run.
std::size_t some_messages()
{
    static std::minstd_rand numbers(4711);
    return std::uniform_int_distribution<std::size_t>(0, 60)(numbers);
}

} // namespace

TEST_CASE("of a sender that is killed, all that arrives is whole and in order")
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
            auto ours = new_socket<pull>(mine, few);
            const std::string where = must(ours.bind(place.text()));
            child_process peer(peer_program("numbers.py", {"PUSH", "connect", where}));
            std::size_t next = 0;
            for (const std::size_t until = some_messages(); next < until; ++next)
                REQUIRE(receive_from(ours) == numbered(next));
            peer.interrupt(SIGKILL);
            // What it had sent is still there, and then nothing more.
            while (!ours.peers().empty() || next == 0) {
                multipart whole;
                const auto got = ours.receive(whole, 100ms);
                if (!got)
                    break;
                REQUIRE(texts_of(whole) == numbered(next++));
            }
            message extra;
            CHECK(ours.receive(extra, 100ms).error() == errc::timed_out);
            CHECK(ours.peers().empty());
            // The next one begins anew.
            child_process other(peer_program("numbers.py", {"PUSH", "connect", where}));
            for (std::size_t number = 0; number < 20; ++number)
                REQUIRE(receive_from(ours) == numbered(number));
        }
}

TEST_CASE(
    "receivers that are killed get messages whole and in order, and none that another one got")
{
    if (!have_pyzmq())
        SLK_SKIP("needs pyzmq");
    for (const test_endpoint::transport over :
         {test_endpoint::transport::tcp, test_endpoint::transport::ipc_file}) {
        CAPTURE(static_cast<int>(over));
        const test_endpoint place(over);
        context mine = new_context();
        auto ours = new_socket<push>(mine, few);
        std::string where = place.text();
        std::atomic<bool> last_is_there{false};
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
                    while (!last_is_there && ours.send(to_multipart(numbered(sent)), stop))
                        ++sent;
                    for (int more = 0; more < 100; ++more)
                        if (ours.send(to_multipart(numbered(sent)), {test_timeout, stop}))
                            ++sent;
                });
            }
            const bool is_last = round + 1 == receivers;
            last_is_there = is_last;
            const auto receive_one = [&] {
                const auto line = peer.line();
                if (!line)
                    return false;
                REQUIRE(*line != "broken");
                REQUIRE(std::stoll(*line) > latest);
                latest = std::stoll(*line);
                return true;
            };
            for (std::size_t left = 5 + some_messages(); left > 0; --left)
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

TEST_CASE("pyzmq sends back what it gets, whoever of us listens")
{
    if (!have_pyzmq())
        SLK_SKIP("needs pyzmq");
    for (const std::string type : {"REP", "ROUTER", "DEALER", "PAIR"})
        for (const bool we_listen : {true, false}) {
            CAPTURE(type);
            CAPTURE(we_listen);
            context mine = new_context();
            const auto talk = [&](auto ours) {
                const std::string where = we_listen ? must(ours.bind(any_tcp)) : any_tcp;
                child_process peer(
                    peer_program("echo.py", {type, we_listen ? "connect" : "bind", where}));
                const auto there = peer.line();
                REQUIRE(there.has_value());
                if (!we_listen)
                    must(ours.connect(*there));
                for (const parts& sample : sample_messages()) {
                    parts whole = type == "REP" ? parts{""} : parts{};
                    whole.insert(whole.end(), sample.begin(), sample.end());
                    REQUIRE(send_to(ours, whole));
                    REQUIRE(shape_of(receive_from(ours)) == shape_of(whole));
                }
            };
            if (type == "PAIR")
                talk(new_socket<pair>(mine));
            else
                talk(new_socket<dealer>(mine));
        }
}
