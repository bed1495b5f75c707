// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_HTTP_HPP
#define SERVERLINK_HTTP_HPP

/// slk::http_server: a context's numbers for Prometheus, and a live page about it for people.
///
///     SLK_TRY(auto page, slk::http_server::create(context, {.address = "127.0.0.1:9464"}));
///     std::puts(page.url().c_str()); // http://127.0.0.1:9464/
///
/// This header belongs to a library of its own, serverlink-http (pkg-config has the same name),
/// which the build option `http` makes; serverlink/serverlink.hpp does not include it.
///
///     /         the page: links and their states, recent moves, peers, rates and queues
///     /state    what the page shows, as JSON; its members may change with the version
///     /metrics  slk::open_metrics() of the context
///
/// Only GET and HEAD are allowed; other methods get 405. Each connection carries one request.
/// Nothing can be changed by a request.
///
/// Who may read: everybody who can reach the address; there is no password. By default that is this
/// machine only. A page of another site in a browser on this machine cannot read it: no answer
/// allows other origins, and a server on a loopback address refuses (421) a request whose Host is
/// neither a numeric address nor localhost, which is how DNS rebinding looks.
///
/// Exceptions: the parser of requests (cpp-httplib) throws. That is caught in this library: a
/// request for which there is no memory gets the answer 500, or none and a reset.

#include <serverlink/address.hpp>
#include <serverlink/clock.hpp>
#include <serverlink/context.hpp>
#include <serverlink/export.hpp>
#include <serverlink/link_status.hpp>
#include <serverlink/listener.hpp>
#include <serverlink/result.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#if defined(_WIN32) && !defined(SLK_STATIC)
#if defined(SLK_HTTP_BUILDING)
#define SLK_HTTP_API __declspec(dllexport)
#else
#define SLK_HTTP_API __declspec(dllimport)
#endif
#elif defined(_WIN32)
#define SLK_HTTP_API
#else
#define SLK_HTTP_API __attribute__((visibility("default")))
#endif

namespace slk {

namespace http {
class service;
}

/// Where the server listens, and what it may cost.
struct http_options {
    /// Where to listen: a numeric address and a port; port 0: any free one. "[::1]:9464" is one of
    /// IPv6, "0.0.0.0:9464" are all IPv4 addresses of this machine.
    std::string address = "127.0.0.1:0";
    /// Names that a request's Host may have beside numeric addresses and localhost, each without a
    /// port: "metrics.example". Where `address` is no loopback address and this is empty, any name
    /// is allowed.
    std::vector<std::string> hosts{};
    /// Connections at a time, 1 to 1000. For one more, the oldest whose request has not arrived is
    /// reset; if there is none, the new one is.
    std::size_t max_connections = 32;
    /// Bytes of a request's first line and headers, 256 to 65,536; a longer one gets 431.
    std::size_t max_request_size = 8192;
    /// The time for a request to arrive, and again for its answer to be read; 10 ms to 1 h. After
    /// it the connection is reset.
    duration timeout = std::chrono::seconds(10);

    /// errc::invalid_argument, with the option's name as detail.
    [[nodiscard]] SLK_HTTP_API result<void> validate() const;
};

/// Serves on one thread of its own. A handle, moved but not copied. Without requests it costs the
/// context the events of links and connections (slk::event_stream) and nothing else.
///
/// The context outlives the server, and is not moved meanwhile. In a context without threads the
/// thread that uses its sockets creates and destroys the server.
///
/// fork(2): a child process may destroy its copy; see serverlink/loop.hpp.
class SLK_HTTP_API http_server {
public:
    /// Listens before it returns. Errors: invalid_argument (an option); address_in_use,
    /// address_not_available, permission_denied and the others of slk::listener::create; those of
    /// slk::loop::create and slk::event_stream::of; out_of_memory (also: there is no thread).
    [[nodiscard]] static result<http_server> create(const context& of, http_options options = {});

    http_server(http_server&& other) noexcept;
    http_server& operator=(http_server&& other) noexcept;
    /// As stop().
    ~http_server();

    /// Closes every connection at once, whatever its client does, and ends the thread. The port is
    /// free on return.
    void stop() noexcept;

    /// With the real port.
    [[nodiscard]] slk::address address() const noexcept;
    /// "http://127.0.0.1:9464/". Empty when memory is exhausted.
    [[nodiscard]] std::string url() const;

    /// The page also shows links and listeners that belong to no socket (slk::link, slk::listener);
    /// /metrics does not have them. `name` tells them apart, and is their endpoint as a rule. For a
    /// link call it from link_handlers::state_changed. Any thread. If there is no memory, the page
    /// does not show the change.
    void show_link(std::string_view name, const link_transition& move,
                   const link_status& status) noexcept;
    /// As show_link(), for listener_status.
    void show_listener(std::string_view name, const listener_status& status) noexcept;
    /// The page shows the link and the listener of that name no more.
    void forget(std::string_view name) noexcept;

private:
    explicit http_server(std::unique_ptr<http::service> made) noexcept;

    std::unique_ptr<http::service> service_;
};

} // namespace slk

#endif
