// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_WINDOWS_IOCP_FIXTURE_HPP
#define SLK_TESTS_WINDOWS_IOCP_FIXTURE_HPP

/// A poller on a completion port, and operations that keep their outcomes.

#include <serverlink/clock.hpp>

#include "io/backend/iocp/iocp_poller.hpp"
#include "io/backend/iocp/pending.hpp"
#include "io/os/windows/winsock.hpp"

#include <doctest/doctest.h>

#include <string_view>

namespace slk::testing {

using namespace std::chrono_literals;

/// Counts its completions: more than one, or one from inside a submit, fails the test.
template <class Operation>
struct watched : Operation {
    watched() noexcept
    {
        this->owner = this;
        this->on_complete = [](io::operation& self) noexcept {
            ++static_cast<watched*>(self.owner)->completions;
        };
    }
    [[nodiscard]] bool done() const noexcept { return completions != 0; }
    /// For submitting it again.
    void again() noexcept { completions = 0; }

    int completions = 0;
};

using connecting = watched<io::connect_operation>;
using accepting = watched<io::accept_operation>;
using receiving = watched<io::receive_operation>;
using sending = watched<io::send_operation>;

struct iocp_fixture {
    iocp_fixture()
    {
        auto created = io::make_iocp_poller(system_clock_source());
        REQUIRE(created.has_value());
        made = std::move(*created);
    }
    ~iocp_fixture() { made->shutdown(); }

    [[nodiscard]] io::poller& poller() const noexcept { return *made; }

    /// Only ends a hang.
    static constexpr auto bound = 20s;

    /// Runs turns until `done`; false if the limit comes first.
    template <class Done>
    bool until(Done&& done, duration limit = bound)
    {
        const time_point end = after(made->refresh_now(), limit);
        while (!done()) {
            if (made->refresh_now() >= end)
                return false;
            if (!made->turn(end))
                return false;
        }
        return true;
    }

    [[nodiscard]] io::socket_id listen(address_family family = address_family::ipv4)
    {
        const auto listener = made->open_listener(address::loopback(family, 0), {});
        REQUIRE(listener.has_value());
        return *listener;
    }

    [[nodiscard]] address address_of(io::socket_id id)
    {
        const auto local = made->local_address(id);
        REQUIRE(local.has_value());
        return *local;
    }

    [[nodiscard]] io::socket_id open(address_family family = address_family::ipv4)
    {
        const auto opened = made->open(family);
        REQUIRE(opened.has_value());
        return *opened;
    }

    /// An address without a listener: the port of a socket that is only bound.
    [[nodiscard]] address dead_address(address_family family = address_family::ipv4)
    {
        const io::socket_id keeper = open(family);
        REQUIRE(made->bind_source(keeper, address::loopback(family, 0)).has_value());
        return address_of(keeper);
    }

    struct pair {
        io::socket_id client;
        io::socket_id server;
    };

    /// Two ends of one connection.
    [[nodiscard]] pair connect(address_family family = address_family::ipv4)
    {
        const io::socket_id listener = listen(family);
        accepting accept;
        connecting connect;
        made->accept(accept, listener);
        const io::socket_id client = open(family);
        made->connect(connect, client, address_of(listener));
        CHECK(accept.completions == 0);
        CHECK(connect.completions == 0);
        REQUIRE(until([&] { return accept.done() && connect.done(); }));
        REQUIRE(accept.failure == errc::ok);
        REQUIRE(connect.failure == errc::ok);
        made->close(listener);
        return {client, accept.accepted};
    }

    void send(sending& op, io::socket_id id, std::span<const std::byte> bytes)
    {
        made->send(op, id, std::span(&bytes, 1));
    }

    std::unique_ptr<io::poller> made;
};

[[nodiscard]] inline std::span<const std::byte> bytes_of(std::string_view text) noexcept
{
    return std::as_bytes(std::span(text.data(), text.size()));
}

[[nodiscard]] inline std::string_view text_of(std::span<const std::byte> bytes) noexcept
{
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The system's handle.
[[nodiscard]] inline SOCKET socket_in(io::poller& poller, io::socket_id id) noexcept
{
    return io::os::windows::socket_of(poller.handle_of(id));
}

/// Waits until the kernel has ended the operation, without taking its packet from the port.
inline bool ended_in_kernel(io::operation& op)
{
    for (int tries = 0; tries < 20'000; ++tries) {
        if (HasOverlappedIoCompleted(&io::iocp::of(op).overlapped))
            return true;
        Sleep(1);
    }
    return false;
}

} // namespace slk::testing

#endif
