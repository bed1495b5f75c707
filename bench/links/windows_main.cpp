// SPDX-License-Identifier: MPL-2.0
//
// bench-links-iocp: connects per second of slk::link on Windows, against a bare loop around
// ConnectEx and one completion port. Both connect to the same thread, which accepts, in turns.

#include "tools/support/command_line.hpp"
#include "tools/support/json.hpp"
#include "tools/support/statistics.hpp"

#include <serverlink/serverlink.hpp>

#include "io/os/windows/winsock.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

struct connect_work {
    std::uint16_t port = 0;
    std::uint64_t connects = 0;
    unsigned in_flight = 64;
};

struct connect_outcome {
    double seconds = 0;
    std::uint64_t failures = 0;
};

class stopwatch {
public:
    [[nodiscard]] connect_outcome stop(std::uint64_t failures) const
    {
        const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - began_;
        return {wall.count(), failures};
    }

private:
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

[[noreturn]] void give_up(const char* what)
{
    std::fprintf(stderr, "%s: error %d\n", what, WSAGetLastError());
    std::exit(1);
}

sockaddr_in loopback(std::uint16_t port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

void close_with_reset(SOCKET socket)
{
    const linger no_wait{1, 0};
    setsockopt(socket, SOL_SOCKET, SO_LINGER, reinterpret_cast<const char*>(&no_wait),
               sizeof no_wait);
    closesocket(socket);
}

/// Accepts until the program ends, and keeps the last connections, so that the connecting side
/// closes first.
std::uint16_t start_accepting()
{
    const SOCKET listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in local = loopback(0);
    int size = sizeof local;
    if (bind(listener, reinterpret_cast<const sockaddr*>(&local), size) != 0 ||
        listen(listener, SOMAXCONN) != 0 ||
        getsockname(listener, reinterpret_cast<sockaddr*>(&local), &size) != 0)
        give_up("no listener");
    std::thread([listener] {
        std::array<SOCKET, 512> kept;
        kept.fill(INVALID_SOCKET);
        for (std::size_t next = 0;; next = (next + 1) % kept.size()) {
            SOCKET accepted = accept(listener, nullptr, nullptr);
            std::swap(accepted, kept[next]);
            if (accepted != INVALID_SOCKET)
                close_with_reset(accepted);
        }
    }).detach();
    return ntohs(local.sin_port);
}

LPFN_CONNECTEX find_connect_ex()
{
    const SOCKET asked = socket(AF_INET, SOCK_STREAM, 0);
    GUID name = WSAID_CONNECTEX;
    LPFN_CONNECTEX found = nullptr;
    DWORD size = 0;
    if (WSAIoctl(asked, SIO_GET_EXTENSION_FUNCTION_POINTER, &name, sizeof name, &found,
                 sizeof found, &size, nullptr, nullptr) != 0)
        give_up("no ConnectEx");
    closesocket(asked);
    return found;
}

/// Only the system calls that the work needs.
class bare_loop {
public:
    explicit bare_loop(const connect_work& work) : work_(work), target_(loopback(work.port)) {}
    ~bare_loop() { CloseHandle(port_); }
    bare_loop(const bare_loop&) = delete;
    bare_loop& operator=(const bare_loop&) = delete;

    connect_outcome run()
    {
        std::deque<attempt> attempts(work_.in_flight);
        const stopwatch watch;
        for (attempt& each : attempts)
            begin(each);
        std::array<OVERLAPPED_ENTRY, 256> entries;
        while (done_ < work_.connects) {
            ULONG count = 0;
            if (!GetQueuedCompletionStatusEx(port_, entries.data(),
                                             static_cast<ULONG>(entries.size()), &count, INFINITE,
                                             FALSE))
                give_up("GetQueuedCompletionStatusEx");
            for (ULONG i = 0; i < count; ++i)
                finish(*reinterpret_cast<attempt*>(entries[i].lpOverlapped));
        }
        return watch.stop(failures_);
    }

private:
    struct attempt {
        OVERLAPPED overlapped{}; // first: the port returns its address
        SOCKET socket = INVALID_SOCKET;
    };

    void begin(attempt& next)
    {
        while (begun_ < work_.connects) {
            ++begun_;
            next.socket = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, nullptr, 0,
                                     WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
            CreateIoCompletionPort(reinterpret_cast<HANDLE>(next.socket), port_, 0, 0);
            sockaddr_in any{};
            any.sin_family = AF_INET;
            bind(next.socket, reinterpret_cast<const sockaddr*>(&any), sizeof any);
            next.overlapped = {};
            if (connect_ex_(next.socket, reinterpret_cast<const sockaddr*>(&target_),
                            sizeof target_, nullptr, 0, nullptr, &next.overlapped) ||
                WSAGetLastError() == WSA_IO_PENDING)
                return;
            ++failures_;
            ++done_;
            closesocket(next.socket);
        }
    }

    void finish(attempt& ended)
    {
        failures_ += ended.overlapped.Internal != 0;
        setsockopt(ended.socket, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, nullptr, 0);
        const DWORD on = 1;
        setsockopt(ended.socket, IPPROTO_TCP, TCP_NODELAY, reinterpret_cast<const char*>(&on),
                   sizeof on);
        close_with_reset(ended.socket);
        ++done_;
        begin(ended);
    }

    const connect_work work_;
    const sockaddr_in target_;
    const LPFN_CONNECTEX connect_ex_ = find_connect_ex();
    const HANDLE port_ = CreateIoCompletionPort(INVALID_HANDLE_VALUE, nullptr, 0, 1);
    std::uint64_t begun_ = 0;
    std::uint64_t done_ = 0;
    std::uint64_t failures_ = 0;
};

connect_outcome connect_with_links(const connect_work& work)
{
    auto loop = slk::loop::create();
    if (!loop) {
        std::fprintf(stderr, "no loop: %s\n", slk::to_string(loop.error()).c_str());
        std::exit(1);
    }
    slk::link_options options;
    options.to = {.host = "127.0.0.1", .port = work.port};
    options.reconnect.policy.set(slk::failure_class::closed_locally, slk::retry_rule::stop);
    std::uint64_t begun = 0;
    std::uint64_t done = 0;
    std::uint64_t failures = 0;
    std::vector<slk::link> links;
    links.reserve(work.in_flight);
    for (unsigned i = 0; i < work.in_flight; ++i) {
        slk::link_handlers handlers;
        handlers.connected = [&](slk::stream connection) {
            ++done;
            connection.reset();
        };
        handlers.state_changed = [&, i](const slk::link_transition& move, const slk::link_status&) {
            if (move.to == slk::link_state::idle && begun < work.connects) {
                ++begun;
                links[i].start();
            } else if (move.to == slk::link_state::backoff) {
                ++failures;
            }
        };
        links.push_back(*slk::link::create(*loop, options, std::move(handlers)));
    }
    const stopwatch watch;
    for (slk::link& each : links) {
        ++begun;
        each.start();
    }
    (void)loop->run_until([&] { return done >= work.connects; }, 10min);
    return watch.stop(failures);
}

int run(std::uint64_t rounds, connect_work work)
{
    work.connects = std::max<std::uint64_t>(work.connects, work.in_flight);
    WSADATA unused;
    if (WSAStartup(MAKEWORD(2, 2), &unused) != 0)
        give_up("WSAStartup");
    work.port = start_accepting();

    std::vector<double> bare_rates;
    std::vector<double> link_rates;
    std::vector<double> ratios;
    std::uint64_t failures = 0;
    for (std::uint64_t round = 0; round <= rounds; ++round) {
        connect_outcome bare;
        if (round % 2 == 0)
            bare = bare_loop(work).run();
        const connect_outcome links = connect_with_links(work);
        if (round % 2 == 1)
            bare = bare_loop(work).run();
        if (round == 0)
            continue; // the warm-up
        const auto connects = static_cast<double>(work.connects);
        bare_rates.push_back(connects / bare.seconds);
        link_rates.push_back(connects / links.seconds);
        ratios.push_back(bare.seconds / links.seconds);
        failures += bare.failures + links.failures;
    }
    const double bare_rate = slk::tool::spread_of(bare_rates).median;
    const double link_rate = slk::tool::spread_of(link_rates).median;
    const double ratio = slk::tool::spread_of(ratios).median;
    std::printf("connects, %u in flight, %llu rounds of %llu\n"
                "  bare completion port    %8.0f per second\n"
                "  slk::link, restarted    %8.0f per second, ratio %.3f\n"
                "  failures %llu\n",
                work.in_flight, static_cast<unsigned long long>(rounds),
                static_cast<unsigned long long>(work.connects), bare_rate, link_rate, ratio,
                static_cast<unsigned long long>(failures));
    using slk::tool::json_object;
    const json_object connects =
        json_object()
            .object("iocp", json_object().number("per_second", bare_rate, 0))
            .object("link",
                    json_object().number("per_second", link_rate, 0).number("ratio", ratio, 4));
    const json_object json =
        json_object().object("connects", connects).number("failures", failures);
    std::printf("json: %s\n", json.str().c_str());
    std::fflush(stdout);
    // No destructors: the thread that accepts does not end.
    std::_Exit(slk::tool::exit_ok);
}

} // namespace

int main(int count, char** words)
{
    slk::tool::command program("bench-links-iocp",
                               "Connects per second of slk::link, compared with a bare loop around "
                               "ConnectEx. The two take turns.");
    std::uint64_t rounds = 9;
    connect_work work{.connects = 5000};
    program.flag({.name = "--quick", .help = "3 rounds of 1000 connects"}, [&] {
        rounds = 3;
        work.connects = 1000;
    });
    program.number({.name = "--rounds",
                    .help = "Rounds",
                    .type = "N",
                    .fallback = "9",
                    .excludes = {"--quick"}},
                   rounds, 1, 10'000);
    program.number({.name = "--connects",
                    .help = "Connects of each per round",
                    .type = "N",
                    .fallback = "5000",
                    .excludes = {"--quick"}},
                   work.connects, 1, 100'000'000);
    program.action([&] { return run(rounds, work); });
    return program.run(count, words);
}
