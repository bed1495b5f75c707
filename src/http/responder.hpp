// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_HTTP_RESPONDER_HPP
#define SLK_HTTP_RESPONDER_HPP

/// From the bytes of a request to the bytes of its response, without a connection. The parser is
/// that of cpp-httplib, which only responder.cpp includes.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace slk::http {

/// What is at a path; 404 and the like have no body.
struct content {
    int status = 404;
    std::string type{};
    std::string body{};
};

class responder {
public:
    using source = std::function<content(const std::string& path)>;

    /// `hosts`: the names that a request's Host may have beside those of the loopback; if `any`,
    /// every name. `get` may throw: the response is 500.
    responder(std::vector<std::string> hosts, bool any, source get);
    responder(const responder&) = delete;
    responder& operator=(const responder&) = delete;
    ~responder();

    /// `head` is a request up to the empty line behind its headers. Any other bytes are a bad
    /// request, and have a response, too. Empty: no response can be made. Throws std::bad_alloc.
    [[nodiscard]] std::string respond(std::string_view head);

private:
    class server;
    std::unique_ptr<server> server_;
};

/// The size of the head at the beginning of `bytes`, with the empty line behind its headers; npos
/// if that has not arrived. `searched`: the number of bytes in which it was not found before.
[[nodiscard]] std::size_t head_size(std::string_view bytes, std::size_t searched) noexcept;

/// "127.0.0.1:80" and "[::1]" without their ports: "127.0.0.1", "::1".
[[nodiscard]] std::string_view host_without_port(std::string_view host) noexcept;
/// localhost, ::1, and every 127.x.y.z.
[[nodiscard]] bool is_loopback_name(std::string_view name) noexcept;

/// A response without a body, for requests that are not parsed.
[[nodiscard]] std::string_view too_large_response() noexcept;
[[nodiscard]] std::string_view too_slow_response() noexcept;

} // namespace slk::http

#endif
