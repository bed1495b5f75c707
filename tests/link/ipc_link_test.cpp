// SPDX-License-Identifier: MPL-2.0
// Links over Unix domain sockets.

#include "ipc_rig.hpp"

#include <array>
#include <cerrno>
#include <csignal>

#include <sys/wait.h>

namespace slk::link_tests {

namespace {

/// Two ends of one connection.
struct ipc_connection {
    ipc_connection()
    {
        dialling.start();
        REQUIRE(on.until([&] { return near && !peer.streams.empty(); }));
        far = std::move(peer.streams[0]);
    }

    std::vector<std::byte> receive_all(stream& from, std::size_t most)
    {
        std::vector<std::byte> all;
        std::vector<std::byte> buffer(64 * 1024);
        while (all.size() < most) {
            transfer_outcome got;
            REQUIRE(from.receive(buffer, store_in(got)).has_value());
            REQUIRE(on.until([&] { return got.has_value(); }));
            last = *got;
            if (!*got || **got == 0)
                break;
            all.insert(all.end(), buffer.begin(),
                       buffer.begin() + static_cast<std::ptrdiff_t>(**got));
        }
        return all;
    }

    void send_all(stream& from, const std::vector<std::byte>& bytes)
    {
        transfer_outcome sent;
        REQUIRE(from.send(bytes, store_in(sent)).has_value());
        REQUIRE(on.until([&] { return sent.has_value(); }));
        CHECK(*sent == bytes.size());
    }

    temporary_folder folder;
    rig on;
    ipc_server peer{*on, folder.file("socket")};
    stream near;
    stream far;
    result<std::size_t> last{0};
    link dialling =
        make_link(*on, ipc(folder.file("socket")), quick(),
                  {.state_changed = {}, .connected = [this](stream s) { near = std::move(s); }});
};

/// Another process that listens at the path and accepts connections until it is killed.
class other_process {
public:
    explicit other_process(const std::string& path)
    {
        foreign_socket listening;
        listening.bind(path);
        listening.listen(16);
        id_ = ::fork();
        REQUIRE(id_ >= 0);
        if (id_ == 0)
            for (;;)
                ::pause(); // connections are in the queue of this process only
        listening.close();
    }
    other_process(const other_process&) = delete;
    other_process& operator=(const other_process&) = delete;
    ~other_process() { kill(); }

    void kill()
    {
        if (id_ > 0) {
            ::kill(id_, SIGKILL);
            ::waitpid(std::exchange(id_, -1), nullptr, 0);
        }
    }

private:
    pid_t id_ = -1;
};

} // namespace

TEST_CASE("an ipc link connects, and its addresses are printed as ipc")
{
    ipc_connection both;
    CHECK(connected(both.dialling));
    CHECK(both.dialling.status().peer == address::local());
    CHECK(both.dialling.status().local == address::local());
    CHECK(both.near.peer_address() == address::local());
    CHECK(both.far.local_address() == address::local());
    CHECK(to_string(both.near.peer_address()) == "ipc");
    CHECK(
        both.dialling.report().starts_with("ipc://" + both.folder.file("socket") + ": connected"));
}

TEST_CASE("an ipc stream carries eight megabytes correctly in both directions")
{
    ipc_connection both;
    const auto bytes = pattern(8u << 20);
    for (const bool forth : {true, false}) {
        stream& from = forth ? both.near : both.far;
        stream& to = forth ? both.far : both.near;
        transfer_outcome sent;
        REQUIRE(from.send(bytes, store_in(sent)).has_value());
        CHECK(both.receive_all(to, bytes.size()) == bytes);
        REQUIRE(both.on.until([&] { return sent.has_value(); }));
        CHECK(*sent == bytes.size());
    }
}

TEST_CASE("an ipc stream that has finished sending goes on receiving")
{
    ipc_connection both;
    const auto bytes = pattern(1000);
    both.send_all(both.near, bytes);
    REQUIRE(both.near.shutdown_send().has_value());
    CHECK(both.receive_all(both.far, 2000) == bytes);
    CHECK(both.last == std::size_t{0});
    both.send_all(both.far, bytes);
    CHECK(both.receive_all(both.near, 1000) == bytes);
}

TEST_CASE("an ipc stream that is reset ends at its peer")
{
    ipc_connection both;
    both.far.reset();
    std::array<std::byte, 10> buffer{};
    transfer_outcome got;
    REQUIRE(both.near.receive(buffer, store_in(got)).has_value());
    REQUIRE(both.on.until([&] { return got.has_value(); }));
    CHECK(*got == std::size_t{0});
}

TEST_CASE("an ipc link reconnects when its listener is closed and opened again")
{
    temporary_folder folder;
    rig on;
    std::optional<ipc_server> peer;
    link dialling = make_link(*on, ipc(folder.file("socket")), quick());
    dialling.start();
    for (std::uint64_t generation = 1; generation <= 3; ++generation) {
        REQUIRE(on.until([&] { return dialling.status().last_error == errc::connection_refused; }));
        CHECK(dialling.status().last_error_address == address::local());
        peer.emplace(*on, folder.file("socket"));
        REQUIRE(on.until([&] {
            return connected(dialling) && dialling.status().generation == generation &&
                   !peer->streams.empty();
        }));
        peer.reset();
        REQUIRE(on.until([&] { return !connected(dialling); }));
    }
}

TEST_CASE("an ipc link to a missing path is refused and tries again")
{
    temporary_folder folder;
    rig on;
    link dialling = make_link(*on, ipc(folder.file("no/such/folder")), quick());
    dialling.start();
    REQUIRE(on.until([&] { return dialling.status().attempt >= 3; }));
    const error why = dialling.status().last_error;
    CHECK(why == errc::connection_refused);
    CHECK(why.phase == phase::connect);
    CHECK(why.native == ENOENT);
    CHECK(std::string(why.detail) == "there is no such socket");
    CHECK(classify(why) == failure_class::refused);
    CHECK(dialling.address_failures().size() == 1);
}

TEST_CASE("an ipc link whose listener's queue is full backs off and gets through later")
{
    temporary_folder folder;
    foreign_socket listening;
    listening.bind(folder.file("socket"));
    listening.listen(1);
    rig on;
    std::vector<link> queued;
    while (queued.size() < 100) {
        queued.push_back(make_link(*on, ipc(folder.file("socket")), quick()));
        queued.back().start();
        REQUIRE(on.until([&] { return queued.back().status().attempt >= 1; }));
        REQUIRE(on.until(
            [&] { return connected(queued.back()) || queued.back().status().last_error; }));
        if (!connected(queued.back()))
            break;
    }
    link& waiting = queued.back();
    REQUIRE(on.until([&] { return waiting.status().attempt >= 4; }));
    CHECK_FALSE(connected(waiting));
    CHECK(waiting.status().last_error == errc::connection_refused);
#if defined(__linux__)
    CHECK(waiting.status().last_error.native == EAGAIN);
#endif
    listening.accept();
    CHECK(on.until([&] { return connected(waiting); }));
}

TEST_CASE("an ipc link survives the death of its peer's process, whose file stays")
{
    temporary_folder folder;
    const std::string path = folder.file("socket");
    other_process peer(path);
    rig on;
    link dialling = make_link(*on, ipc(path), quick());
    dialling.start();
    REQUIRE(on.until([&] { return connected(dialling); }));
    peer.kill();
    REQUIRE(on.until([&] {
        return !connected(dialling) && dialling.status().last_error == errc::connection_refused;
    }));
    CHECK(dialling.status().last_error.native == ECONNREFUSED);
    CHECK(std::filesystem::exists(path));
    const ipc_server heir(*on, path);
    REQUIRE(heir.listening.has_value());
    CHECK(on.until([&] { return connected(dialling); }));
}

TEST_CASE("an ipc link to a socket that is no stream socket has that as the error's detail")
{
    temporary_folder folder;
    foreign_socket datagrams(SOCK_DGRAM);
    datagrams.bind(folder.file("socket"));
    rig on;
    link dialling = make_link(*on, ipc(folder.file("socket")), quick());
    dialling.start();
    REQUIRE(on.until([&] { return dialling.status().last_error == errc::not_supported; }));
    CHECK(std::string(dialling.status().last_error.detail) ==
          "the socket there is not a stream socket");
}

TEST_CASE("an ipc link leaves TCP's defaults out and refuses TCP's options by name")
{
    temporary_folder folder;
    rig on;
    ipc_server peer(*on, folder.file("socket"));
    const auto outcome = [&](auto change) -> error {
        link_options options{.to = ipc(folder.file("socket")), .reconnect = quick()};
        options.reconnect.base = reconnect_never;
        change(options.tuning);
        auto dialling = link::create(*on, options);
        REQUIRE(dialling.has_value());
        dialling->start();
        REQUIRE(on.until([&] {
            return connected(*dialling) || (dialling->status().attempt == 1 &&
                                            dialling->status().state == link_state::idle);
        }));
        return dialling->status().last_error;
    };
    const auto expect_refusal = [&](const char* name, auto change) {
        CAPTURE(name);
        const error why = outcome(change);
        CHECK(why == errc::not_supported);
        CHECK(why.phase == phase::tune);
        CHECK(std::string(why.detail != nullptr ? why.detail : "") == name);
    };
    CHECK(outcome([](tuning_options&) {}) == errc::ok);
    CHECK(outcome([](tuning_options& t) { t.no_delay = false; }) == errc::ok);
    CHECK(outcome([](tuning_options& t) {
              t.send_buffer = 20'000;
              t.receive_buffer = 20'000;
          }) == errc::ok);
    expect_refusal("tuning.keep_alive", [](tuning_options& t) { t.keep_alive.emplace(); });
    expect_refusal("tuning.keep_alive",
                   [](tuning_options& t) { t.keep_alive.emplace().enabled = false; });
    expect_refusal("tuning.type_of_service", [](tuning_options& t) { t.type_of_service = 16; });
    expect_refusal("tuning.user_timeout", [](tuning_options& t) { t.user_timeout = 1s; });
    expect_refusal("tuning.device", [](tuning_options& t) { t.device = "lo"; });
}

} // namespace slk::link_tests
