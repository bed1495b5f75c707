// SPDX-License-Identifier: MPL-2.0

// A thread that sends directly is held inside its system call. The loop goes on without it, and
// closes no descriptor under it.

#include "interop/raw_peer.hpp"
#include "linux/backends.hpp"
#include "linux/interpose.hpp"
#include "support/sockets.hpp"
#include "support/zmtp_handshake.hpp"

#include <serverlink/serverlink.hpp>

#include <atomic>
#include <future>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

using namespace slk;
using namespace slk::linux_tests;
using namespace slk::testing;

namespace {

constexpr int replies = 20; ///< to each message, the first of them in the held call

/// A ROUTER on a thread of its own, which answers each message with "0", "1", ... The first of
/// these is held.
class replying_thread {
public:
    explicit replying_thread(router&& socket)
        : socket_(std::move(socket)), thread_([this] { run(); })
    {
    }
    ~replying_thread()
    {
        gate.let_go();
        stop_.request_stop();
    }

    held_send gate;
    std::atomic<int> answered{0};

private:
    void run()
    {
        peer_id from;
        message got;
        while (socket_.receive(from, got, {test_timeout, stop_.get_token()})) {
            if (!gate.is_inside())
                gate.arm();
            for (int number = 0; number < replies; ++number)
                if (!socket_.send(from, std::to_string(number), no_wait))
                    break;
            ++answered;
        }
        held_send::disarm();
    }

    router socket_;
    std::stop_source stop_;
    std::jthread thread_;
};

/// Two other sockets on the same loop.
struct other_connection {
    explicit other_connection(context& in)
        : to(must(slk::pair::create(in))), from(must(slk::pair::create(in)))
    {
        must(from.connect(must(to.bind("tcp://127.0.0.1:*"))));
        must(from.wait_ready(test_timeout));
    }

    bool goes_on()
    {
        for (int round = 0; round < 50; ++round)
            if (!from.send(std::to_string(round), test_timeout) ||
                receive_text(to) != std::to_string(round))
                return false;
        return true;
    }

    slk::pair to, from;
};

std::string frame(std::string_view body)
{
    return std::string(1, '\0') + static_cast<char>(body.size()) + std::string(body);
}

/// The body of the next frame, with a '/' before the name of a command.
std::optional<std::string> next_frame(raw_peer& peer)
{
    const auto header = peer.receive(2);
    if (!header)
        return std::nullopt;
    const auto body = peer.receive(static_cast<unsigned char>((*header)[1]));
    if (!body)
        return std::nullopt;
    return (*header)[0] == 4 ? "/" + body->substr(1, static_cast<unsigned char>((*body)[0]))
                             : *body;
}

raw_peer connect_peer(const std::string& endpoint)
{
    raw_peer peer(endpoint);
    REQUIRE(peer.send(zmtp_greeting() + zmtp_ready("DEALER")));
    REQUIRE(peer.receive(64));
    REQUIRE(next_frame(peer) == "/READY");
    return peer;
}

/// Sends messages until the thread is inside its first reply. The replies before were the loop's.
void hold(replying_thread& thread, raw_peer& peer)
{
    for (int tries = 1;; ++tries) {
        REQUIRE(tries < 100);
        REQUIRE(peer.send(frame("go")));
        REQUIRE(until([&] { return thread.gate.is_inside() || thread.answered == tries; }));
        if (thread.gate.is_inside())
            return;
        for (int number = 0; number < replies; ++number)
            REQUIRE(next_frame(peer) == std::to_string(number));
    }
}

std::string target_of(int descriptor)
{
    char text[64] = {};
    const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
    return ::readlink(path.c_str(), text, sizeof text - 1) > 0 ? text : "";
}

struct fixture {
    explicit fixture(const std::string& backend) : in(context_on(backend)), other(in)
    {
        auto socket = must(router::create(in));
        at = must(socket.bind("tcp://127.0.0.1:*"));
        thread.emplace(std::move(socket));
        peer.emplace(connect_peer(at));
        hold(*thread, *peer);
        descriptor = thread->gate.descriptor();
        target = target_of(descriptor);
        REQUIRE(target.starts_with("socket:"));
    }

    /// The descriptor of the held call is open, and that of the same connection.
    [[nodiscard]] bool is_open() const { return target_of(descriptor) == target; }

    context in;
    other_connection other;
    std::string at;
    std::optional<replying_thread> thread;
    std::optional<raw_peer> peer;
    int descriptor = -1;
    std::string target;
};

const std::string ping = std::string("\4\7\4PING\0\0", 9);
/// Its size is not allowed: 2^63 bytes and more.
const std::string endless_frame = "\2" + std::string(8, '\xff');

} // namespace

TEST_CASE("while a thread is held in its send, the loop serves other connections, and a PONG "
          "waits for the held bytes")
{
    for (const std::string& backend : working_backends()) {
        CAPTURE(backend);
        fixture at(backend);
        REQUIRE(at.peer->send(ping));
        CHECK(at.other.goes_on());
        std::this_thread::sleep_for(short_timeout);
        CHECK(at.peer->receive_some().empty());
        CHECK(at.thread->gate.is_inside());

        at.thread->gate.let_go();
        int pongs = 0;
        for (int number = 0; number < replies || pongs == 0;) {
            const auto got = next_frame(*at.peer);
            REQUIRE(got);
            if (*got == "/PONG") {
                CHECK(number > 0);
                ++pongs;
                continue;
            }
            REQUIRE(*got == std::to_string(number));
            ++number;
        }
        CHECK(pongs == 1);
        CHECK(at.other.goes_on());
    }
}

TEST_CASE("the end of a connection does not wait for the thread that is held in a send on it, and "
          "does not close its descriptor")
{
    for (const std::string& backend : working_backends())
        for (const bool peer_goes : {true, false}) {
            CAPTURE(backend);
            CAPTURE(peer_goes);
            fixture at(backend);
            if (peer_goes) {
                at.peer.reset();
            } else { // it breaks the protocol
                REQUIRE(at.peer->send(endless_frame));
                CHECK_FALSE(at.peer->is_closed_within(short_timeout));
            }
            CHECK(at.other.goes_on());
            // A descriptor that was closed would be given to the next connection.
            raw_peer second = connect_peer(at.at);
            REQUIRE(second.send(frame("go")));
            CHECK(at.other.goes_on());
            CHECK(at.is_open());
            CHECK(second.receive_some().empty());

            at.thread->gate.let_go();
            for (int number = 0; number < replies; ++number)
                REQUIRE(next_frame(second) == std::to_string(number));
            CHECK(until([&] { return !at.is_open(); }));
            if (at.peer)
                CHECK(at.peer->is_closed());
            CHECK(at.other.goes_on());
        }
}

TEST_CASE("the end of a context waits for a thread that is held in a send")
{
    for (const std::string& backend : working_backends()) {
        CAPTURE(backend);
        fixture at(backend);
        auto ended = std::async(
            std::launch::async,
            [in = std::make_unique<context>(std::move(at.in))]() mutable { in.reset(); });
        CHECK(ended.wait_for(short_timeout) == std::future_status::timeout);
        CHECK(at.is_open());
        at.thread->gate.let_go();
        CHECK(ended.wait_for(test_timeout) == std::future_status::ready);
        CHECK(until([&] { return !at.is_open(); }));
    }
}

TEST_CASE("a link whose connection ends under a held send connects again, and nothing is lost of "
          "what the first connection had not taken")
{
    for (const std::string& backend : working_backends()) {
        CAPTURE(backend);
        context in = context_on(backend);
        context far = new_context();
        other_connection other(in);
        std::optional<router> server(must(router::create(far)));
        const std::string at = must(server->bind("tcp://127.0.0.1:*"));

        held_send gate;
        std::atomic<bool> sent{false};
        std::optional<dealer> socket(must(dealer::create(in, reconnect_at_once<dealer_options>())));
        must(socket->connect(at));
        std::jthread thread([&, mine = std::move(*socket)]() mutable {
            message got;
            for (int number = 0; mine.receive(got, test_timeout) && got.text() == "go"; ++number) {
                if (!gate.is_inside())
                    gate.arm();
                (void)mine.send(std::to_string(number), test_timeout);
                sent = true;
            }
            held_send::disarm();
            (void)mine.send("last", test_timeout);
            (void)mine.receive(got, test_timeout); // until the other side has all
        });
        must(server->wait_ready(test_timeout));
        peer_id from{server->peers()[0].routing_id};
        message got;
        // Until a send is direct.
        for (int number = 0;; ++number) {
            REQUIRE(number < 100);
            must(server->send(from, "go", test_timeout));
            REQUIRE(until([&] { return gate.is_inside() || sent; }));
            if (gate.is_inside())
                break;
            sent = false;
            must(server->receive(from, got, test_timeout));
        }
        const int descriptor = gate.descriptor();
        const std::string target = target_of(descriptor);
        server->close(duration::zero());
        server.emplace(must(router::create(far)));
        must(server->bind(at));
        CHECK(other.goes_on());
        CHECK(target_of(descriptor) == target);
        gate.let_go();
        must(server->wait_ready(test_timeout));
        from = {server->peers()[0].routing_id};
        must(server->send(from, "end", test_timeout));
        // The held message was lost with the first connection, or is sent again.
        must(server->receive(from, got, test_timeout));
        if (got.text() != "last")
            must(server->receive(from, got, test_timeout));
        CHECK(got.text() == "last");
        must(server->send(from, "over", test_timeout));
        CHECK(other.goes_on());
    }
}
