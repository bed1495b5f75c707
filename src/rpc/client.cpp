// SPDX-License-Identifier: MPL-2.0

// The public class client, and its requests.

#include <serverlink/client.hpp>

#include "rpc/client_core.hpp"

#include <functional>
#include <memory>
#include <new>
#include <utility>

namespace slk {

namespace {

constexpr error empty_client{errc::invalid_state, phase::none, 0, "the client was moved from"};

} // namespace

result<void> request_options::validate() const
{
    const auto invalid = [](const char* name) {
        return fail(errc::invalid_argument, phase::setup, name);
    };
    if (timeout < duration::zero())
        return invalid("timeout");
    if (attempt_timeout < duration::zero() || (attempt_timeout > duration::zero() && !repeatable))
        return invalid("attempt_timeout");
    if (max_attempts == 0)
        return invalid("max_attempts");
    return {};
}

// --- a pending reply ---

pending_reply::pending_reply(pending_reply&& other) noexcept
    : of_(std::exchange(other.of_, nullptr))
{
}

pending_reply& pending_reply::operator=(pending_reply&& other) noexcept
{
    if (this != &other)
        pending_reply(std::exchange(of_, std::exchange(other.of_, nullptr)));
    return *this;
}

pending_reply::~pending_reply()
{
    cancel();
    if (of_ != nullptr)
        of_->release();
}

bool pending_reply::done() const noexcept
{
    return of_ == nullptr || of_->owner == nullptr;
}

result<multipart> pending_reply::wait(const timeout& limit)
{
    if (of_ == nullptr || of_->now == rpc::pending::stage::taken)
        return fail(errc::invalid_state, phase::transfer, "the reply was returned before");
    if (rpc::client_core* const by = of_->owner; by != nullptr) {
        const std::function<bool()> is_over = [this] { return of_->owner == nullptr; };
        // Another request may have failed to be sent after this one's reply had arrived.
        if (const auto waited = by->run(is_over, limit); !waited && !done()) {
            if (waited.error() == errc::cancelled)
                by->end(*of_, waited.error());
            else
                return fail(waited.error());
        }
    }
    of_->now = rpc::pending::stage::taken;
    if (of_->failure)
        return fail(of_->failure);
    return std::move(of_->reply);
}

void pending_reply::cancel() noexcept
{
    if (!done())
        of_->owner->end(*of_, {errc::cancelled, phase::transfer, 0, "the request was cancelled"});
}

std::uint32_t pending_reply::attempts() const noexcept
{
    return of_ != nullptr ? of_->attempts : 0;
}

// --- the client ---

result<client> client::create(context& in, client_options options)
{
    if (options.max_requests == 0)
        return fail(errc::invalid_argument, phase::setup, "max_requests");
    // Requests and replies would replace each other.
    if (options.socket.conflate)
        return fail(errc::invalid_argument, phase::setup, "conflate");
    // A request is for a peer that is connected.
    options.socket.immediate = true;
    SLK_TRY(auto on, rpc::peer_socket::create(in, options.socket));
    auto* const core = new (std::nothrow)
        rpc::client_core(std::move(on), options.max_requests, in.core()->next_random());
    if (core == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    return client(core);
}

client::client(client&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}

client& client::operator=(client&& other) noexcept
{
    if (this != &other)
        client(std::exchange(core_, std::exchange(other.core_, nullptr)));
    return *this;
}

client::~client()
{
    delete core_;
}

result<void> client::connect(std::string_view endpoint)
{
    return core_ != nullptr ? core_->socket().connect(endpoint) : fail(empty_client);
}

result<std::string> client::bind(std::string_view endpoint)
{
    return core_ != nullptr ? core_->socket().bind(endpoint) : fail(empty_client);
}

result<close_report> client::disconnect(std::string_view endpoint, duration timeout)
{
    return core_ != nullptr ? core_->socket().disconnect(endpoint, timeout) : fail(empty_client);
}

result<close_report> client::unbind(std::string_view endpoint, duration timeout)
{
    return core_ != nullptr ? core_->socket().unbind(endpoint, timeout) : fail(empty_client);
}

result<void> client::wait_ready(const timeout& limit)
{
    if (core_ == nullptr)
        return fail(empty_client);
    SLK_TRY(core_->socket().wait_ready(limit));
    return core_->make_progress();
}

std::vector<endpoint_status> client::endpoints()
{
    if (core_ == nullptr)
        return {};
    (void)core_->make_progress(); // the socket's notices must not pile up
    return core_->socket().endpoints();
}

std::vector<peer_status> client::peers()
{
    if (core_ == nullptr)
        return {};
    (void)core_->make_progress(); // the socket's notices must not pile up
    return core_->socket().peers();
}

result<pending_reply> client::start(multipart&& parts, const request_options& options)
{
    if (core_ == nullptr)
        return fail(empty_client);
    SLK_TRY(rpc::pending* const made, core_->start(std::move(parts), options));
    return pending_reply(made);
}

result<pending_reply> client::start(std::string_view part, const request_options& options)
{
    multipart parts;
    SLK_TRY(parts.add(part));
    return start(std::move(parts), options);
}

result<multipart> client::request(multipart&& parts, const request_options& options,
                                  std::stop_token stop)
{
    SLK_TRY(auto started, start(std::move(parts), options));
    return started.wait(std::move(stop));
}

result<multipart> client::request(std::string_view part, const request_options& options,
                                  std::stop_token stop)
{
    SLK_TRY(auto started, start(part, options));
    return started.wait(std::move(stop));
}

result<std::size_t> client::wait_any(const timeout& limit)
{
    return core_ != nullptr ? core_->wait_any(limit) : fail(empty_client);
}

std::size_t client::outstanding() const noexcept
{
    return core_ != nullptr ? core_->outstanding() : 0;
}

client_counters client::counters() const noexcept
{
    return core_ != nullptr ? core_->counters() : client_counters{};
}

messaging::socket_core* client::core() const noexcept
{
    return core_ != nullptr ? core_->socket().core() : nullptr;
}

close_report client::close(duration timeout)
{
    if (core_ == nullptr)
        return {};
    core_->end_all();
    return core_->socket().close(timeout);
}

} // namespace slk
