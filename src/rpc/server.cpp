// SPDX-License-Identifier: MPL-2.0

// The public class server, and its requests.

#include <serverlink/server.hpp>

#include "base/message_access.hpp"
#include "base/ref_counted.hpp"
#include "messaging/socket/socket_core.hpp"
#include "pattern/envelope.hpp"

#include <algorithm>
#include <new>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace slk {

namespace {

/// Malformed messages that a call without waiting passes over.
constexpr std::size_t max_skipped = 1000;

using message_detail::access;
using pattern::part_view;

part_view envelope_view(const message& part) noexcept
{
    return {part.bytes(), access::owner_of(part)};
}

constexpr error empty_server{errc::invalid_state, phase::none, 0, "the server was moved from"};

} // namespace

namespace rpc {

/// The requests refer to it, too.
class server_core final : public ref_counted<server_core> {
public:
    explicit server_core(router&& on) noexcept : socket_(std::move(on)) {}

    [[nodiscard]] router& socket() noexcept { return socket_; }
    [[nodiscard]] const server_counters& counters() const noexcept { return counters_; }

    result<received_request> receive(const timeout& limit);
    result<send_outcome> reply(received_request& to, std::span<const part_view> parts,
                               const timeout& limit);

private:
    friend class ref_counted<server_core>;
    ~server_core() = default;

    /// All parts are there. Returns false if the message is no request.
    result<bool> take_parts(received_request& into, message&& first);

    router socket_;
    pattern::enveloped_parts written_;
    server_counters counters_{};
};

result<bool> server_core::take_parts(received_request& into, message&& first)
{
    bool fits = true;
    bool in_body = false;
    for (message part = std::move(first);;) {
        const bool more = part.more();
        const bool ends_envelope = !in_body && pattern::is_delimiter(part);
        fits = fits && access::try_add(in_body ? into.parts_ : into.envelope_, std::move(part));
        in_body = in_body || ends_envelope;
        if (!more)
            break;
        part.clear();
        SLK_TRY(socket_.receive(into.peer_, part, no_wait));
    }
    if (in_body && !fits)
        return fail(errc::out_of_memory, phase::transfer, "no memory for a request");
    return in_body;
}

result<received_request> server_core::receive(const timeout& limit)
{
    if (socket_.core() == nullptr)
        return fail(empty_server);
    const auto now = [this] { return socket_.core()->context()->now(); };
    const time_point until = after(now(), limit.max_wait);
    std::size_t skipped = 0;
    for (timeout left = limit;;) {
        received_request made;
        message first;
        SLK_TRY(socket_.receive(made.peer_, first, left));
        SLK_TRY(const bool is_request, take_parts(made, std::move(first)));
        if (is_request) {
            ++counters_.requests;
            made.to_ = this;
            retain();
            return made;
        }
        ++counters_.malformed;
        // However many of them come.
        if (limit.stop.stop_requested())
            return fail(errc::cancelled, phase::none, "a stop was requested");
        if (limit.max_wait == duration::zero() && ++skipped == max_skipped)
            return fail(errc::would_block, phase::none);
        if (limit.max_wait > duration::zero() && now() >= until)
            return fail(errc::timed_out, phase::none);
        if (until != never)
            left.max_wait = std::max(until - now(), duration::zero());
    }
}

result<send_outcome> server_core::reply(received_request& to, std::span<const part_view> parts,
                                        const timeout& limit)
{
    if (parts.empty())
        return fail(errc::invalid_argument, phase::transfer, "a reply has at least one part");
    const std::span<part_view> whole = written_.put_behind(to.envelope_.size(), parts);
    if (whole.empty())
        return fail(errc::out_of_memory, phase::transfer);
    std::ranges::transform(to.envelope_, whole.begin(), envelope_view);
    const auto sent = socket_.core()->send(whole, limit, &to.peer_);
    auto outcome = send_outcome::queued;
    if (!sent) {
        const error& why = sent.error();
        if (why == errc::no_route || why == errc::peer_replaced)
            outcome = send_outcome::dropped_no_route;
        else if (why == errc::would_block || why == errc::timed_out)
            outcome = send_outcome::dropped_full;
        else
            return fail(why);
    }
    ++(outcome == send_outcome::queued ? counters_.replies : counters_.dropped);
    return outcome;
}

} // namespace rpc

// --- a request ---

received_request::received_request(received_request&& other) noexcept
    : to_(std::exchange(other.to_, nullptr)), peer_(std::move(other.peer_)),
      envelope_(std::move(other.envelope_)), parts_(std::move(other.parts_))
{
}

received_request& received_request::operator=(received_request&& other) noexcept
{
    if (this != &other) {
        if (to_ != nullptr)
            to_->release();
        to_ = std::exchange(other.to_, nullptr);
        peer_ = std::move(other.peer_);
        envelope_ = std::move(other.envelope_);
        parts_ = std::move(other.parts_);
    }
    return *this;
}

received_request::~received_request()
{
    if (to_ != nullptr)
        to_->release();
}

namespace {

constexpr error replied{errc::invalid_state, phase::transfer, 0, "there was a reply already"};

} // namespace

result<send_outcome> received_request::reply(multipart&& parts, const timeout& limit)
{
    if (to_ == nullptr)
        return fail(replied);
    std::vector<part_view> views;
    if (!try_resize(views, parts.size()))
        return fail(errc::out_of_memory, phase::transfer);
    std::ranges::transform(parts, views.begin(), envelope_view);
    SLK_TRY(const send_outcome outcome, to_->reply(*this, views, limit));
    std::exchange(to_, nullptr)->release();
    parts.clear();
    return outcome;
}

result<send_outcome> received_request::reply(message&& part, const timeout& limit)
{
    if (to_ == nullptr)
        return fail(replied);
    const part_view view = envelope_view(part);
    SLK_TRY(const send_outcome outcome, to_->reply(*this, {&view, 1}, limit));
    std::exchange(to_, nullptr)->release();
    part.clear();
    return outcome;
}

result<send_outcome> received_request::reply(std::string_view part, const timeout& limit)
{
    if (to_ == nullptr)
        return fail(replied);
    const part_view view{std::as_bytes(std::span(part.data(), part.size())), nullptr};
    SLK_TRY(const send_outcome outcome, to_->reply(*this, {&view, 1}, limit));
    std::exchange(to_, nullptr)->release();
    return outcome;
}

result<bool> received_request::has_room()
{
    return to_ != nullptr ? to_->socket().has_room(peer_) : fail(replied);
}

messaging::socket_core* received_request::core() const noexcept
{
    return to_ != nullptr ? to_->socket().core() : nullptr;
}

// --- the server ---

result<server> server::create(context& in, router_options options)
{
    // A reply is for the connection that the request came by.
    options.immediate = true;
    options.mandatory = true;
    options.notify_connect = options.notify_disconnect = false;
    SLK_TRY(auto on, router::create(in, std::move(options)));
    on.core()->routes().keeps_queues = false;
    auto* const core = new (std::nothrow) rpc::server_core(std::move(on));
    if (core == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    return server(core);
}

server::server(server&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}

server& server::operator=(server&& other) noexcept
{
    if (this != &other)
        server(std::exchange(core_, std::exchange(other.core_, nullptr)));
    return *this;
}

server::~server()
{
    if (core_ == nullptr)
        return;
    (void)core_->socket().close(core_->socket().options().linger);
    core_->release();
}

result<std::string> server::bind(std::string_view endpoint)
{
    return core_ != nullptr ? core_->socket().bind(endpoint) : fail(empty_server);
}

result<void> server::connect(std::string_view endpoint)
{
    return core_ != nullptr ? core_->socket().connect(endpoint) : fail(empty_server);
}

result<close_report> server::unbind(std::string_view endpoint, duration timeout)
{
    return core_ != nullptr ? core_->socket().unbind(endpoint, timeout) : fail(empty_server);
}

result<close_report> server::disconnect(std::string_view endpoint, duration timeout)
{
    return core_ != nullptr ? core_->socket().disconnect(endpoint, timeout) : fail(empty_server);
}

result<void> server::wait_ready(const timeout& limit)
{
    return core_ != nullptr ? core_->socket().wait_ready(limit) : fail(empty_server);
}

std::vector<endpoint_status> server::endpoints()
{
    return core_ != nullptr ? core_->socket().endpoints() : std::vector<endpoint_status>();
}

std::vector<peer_status> server::peers()
{
    return core_ != nullptr ? core_->socket().peers() : std::vector<peer_status>();
}

result<received_request> server::receive(const timeout& limit)
{
    return core_ != nullptr ? core_->receive(limit) : fail(empty_server);
}

server_counters server::counters() const noexcept
{
    return core_ != nullptr ? core_->counters() : server_counters{};
}

messaging::socket_core* server::core() const noexcept
{
    return core_ != nullptr ? core_->socket().core() : nullptr;
}

close_report server::close(duration timeout)
{
    return core_ != nullptr ? core_->socket().close(timeout) : close_report{};
}

} // namespace slk
