// SPDX-License-Identifier: MPL-2.0
#include "http/responder.hpp"

#include <serverlink/address.hpp>

#include <httplib.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <utility>

#ifndef _WIN32
#include <csignal>
#endif

namespace slk::http {

namespace {

/// httplib::Server ignores SIGPIPE for the whole process when it is made. The library sends without
/// that signal, so the program's own choice stays.
class kept_sigpipe {
public:
#ifdef _WIN32
    kept_sigpipe() noexcept {} // a variable of it is no unused one
#else
    kept_sigpipe() noexcept { (void)sigaction(SIGPIPE, nullptr, &before_); }
    ~kept_sigpipe() { (void)sigaction(SIGPIPE, &before_, nullptr); }
#endif
    kept_sigpipe(const kept_sigpipe&) = delete;
    kept_sigpipe& operator=(const kept_sigpipe&) = delete;

private:
#ifndef _WIN32
    struct sigaction before_{};
#endif
};

/// The request, and a place for the response. The functions are virtual ones of httplib::Stream;
/// later versions have more of them than earlier ones.
class memory_stream final : public httplib::Stream {
public:
    explicit memory_stream(std::string_view request) : left_(request) {}

    bool is_readable() const { return !left_.empty(); }
    bool wait_readable() const { return !left_.empty(); }
    bool is_writable() const { return true; }
    bool wait_writable() const { return true; }
    ssize_t read(char* to, std::size_t size)
    {
        const std::size_t count = std::min(size, left_.size());
        std::memcpy(to, left_.data(), count);
        left_.remove_prefix(count);
        return static_cast<ssize_t>(count);
    }
    ssize_t write(const char* bytes, std::size_t size)
    {
        response.append(bytes, size);
        return static_cast<ssize_t>(size);
    }
    void get_remote_ip_and_port(std::string&, int&) const {}
    void get_local_ip_and_port(std::string&, int&) const {}
    socket_t socket() const { return 0; }
    time_t duration() const { return 0; }

    std::string response;

private:
    std::string_view left_;
};

char lower(char c) noexcept
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_names(std::string_view a, std::string_view b) noexcept
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

/// The request line and the lines of Host. Nothing else decides about the response, and some of the
/// parser's ways with other headers are not for strangers: an expression for Range takes stack for
/// each of its characters.
std::string essence_of(std::string_view head)
{
    std::string kept;
    for (bool first = true; !head.empty(); first = false) {
        const std::size_t size = std::min(head.find('\n'), head.size() - 1) + 1;
        const std::string_view line = head.substr(0, size);
        head.remove_prefix(size);
        const bool is_end = line.find_first_not_of("\r\n") == line.npos;
        if (first || is_end || equal_names(line.substr(0, line.find(':')), "host"))
            kept.append(line);
    }
    return kept;
}

} // namespace

std::size_t head_size(std::string_view bytes, std::size_t searched) noexcept
{
    // The parser also takes a line for ended that has no CR.
    constexpr std::string_view end = "\n\r\n";
    const std::size_t found = bytes.find(end, searched < end.size() ? 0 : searched - end.size());
    return found == std::string_view::npos ? found : found + end.size();
}

std::string_view host_without_port(std::string_view host) noexcept
{
    if (host.starts_with('[')) {
        const std::size_t end = host.find(']');
        return end == std::string_view::npos ? host : host.substr(1, end - 1);
    }
    return host.substr(0, host.find(':'));
}

bool is_loopback_name(std::string_view name) noexcept
{
    if (equal_names(name, "localhost"))
        return true;
    const auto numeric = address::parse(name, 0);
    return numeric && numeric->is_loopback();
}

std::string_view too_large_response() noexcept
{
    return "HTTP/1.1 431 Request Header Fields Too Large\r\n"
           "Content-Length: 0\r\nConnection: close\r\n\r\n";
}

std::string_view too_slow_response() noexcept
{
    return "HTTP/1.1 408 Request Timeout\r\n"
           "Content-Length: 0\r\nConnection: close\r\n\r\n";
}

class responder::server : public httplib::Server {
public:
    server(std::vector<std::string> hosts, bool any, source get)
        : hosts_(std::move(hosts)), any_(any), get_(std::move(get))
    {
        set_default_headers({
            {"Content-Security-Policy",
             "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
             "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
            {"X-Content-Type-Options", "nosniff"},
            {"X-Frame-Options", "DENY"},
            {"Cross-Origin-Resource-Policy", "same-origin"},
            {"Referrer-Policy", "no-referrer"},
            {"Cache-Control", "no-store"},
            {"Accept-Ranges", "none"},
        });
        set_exception_handler([](const auto&, auto& response, auto&&...) {
            response.status = 500;
            response.body.clear();
        });
        // Before the server looks for a handler, or reads a body.
        set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& made) {
            handle(request, made);
            return HandlerResponse::Handled;
        });
    }

    /// A member template: httplib's function is protected, and has further arguments since 0.16.
    template <class Self>
    static bool process(Self& self, httplib::Stream& through)
    {
        const std::function<void(httplib::Request&)> no_more;
        bool closed = false;
        if constexpr (requires { self.process_request(through, true, closed, no_more); })
            return self.process_request(through, true, closed, no_more);
        else
            return self.process_request(through, "", 0, "", 0, true, closed, no_more);
    }

private:
    [[nodiscard]] bool allows_host(const httplib::Request& request) const
    {
        if (any_)
            return true;
        const std::string host = request.get_header_value("Host");
        const std::string_view name = host_without_port(host);
        // A page of another site that had its name point here would ask for that name.
        const bool is_numeric = address::parse(name, 0).has_value();
        return is_numeric || is_loopback_name(name) ||
               std::ranges::any_of(
                   hosts_, [&](const std::string& each) { return equal_names(each, name); });
    }

    void handle(const httplib::Request& request, httplib::Response& made) const
    {
        const std::size_t hosts = request.get_header_value_count("Host");
        if (hosts > 1 || (hosts == 0 && request.version == "HTTP/1.1")) {
            made.status = 400;
        } else if (!allows_host(request)) {
            made.status = 421;
        } else if (request.method != "GET" && request.method != "HEAD") {
            made.status = 405;
            made.set_header("Allow", "GET, HEAD");
        } else {
            content found = get_(request.path);
            made.status = found.status;
            made.body = std::move(found.body);
            if (!found.type.empty())
                made.set_header("Content-Type", found.type);
        }
    }

    std::vector<std::string> hosts_;
    bool any_;
    source get_;
};

responder::responder(std::vector<std::string> hosts, bool any, source get)
{
    static std::mutex one_at_a_time;
    const std::lock_guard lock(one_at_a_time);
    const kept_sigpipe kept;
    server_ = std::make_unique<server>(std::move(hosts), any, std::move(get));
}

responder::~responder() = default;

std::string responder::respond(std::string_view head)
{
    const std::string essence = essence_of(head);
    memory_stream through(essence);
    (void)server::process(*server_, through);
    return std::move(through.response);
}

} // namespace slk::http
