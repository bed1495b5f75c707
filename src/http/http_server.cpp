// SPDX-License-Identifier: MPL-2.0
#include "http/connection.hpp"
#include "http/page_files.hpp"
#include "http/page_state.hpp"
#include "http/responder.hpp"

#include <serverlink/endpoint.hpp>
#include <serverlink/events.hpp>
#include <serverlink/http.hpp>
#include <serverlink/loop.hpp>
#include <serverlink/metrics.hpp>
#include <serverlink/timeout.hpp>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <new>
#include <optional>
#include <thread>
#include <utility>

namespace slk {

namespace {

using namespace std::chrono_literals;

/// How often deadlines are looked at while there are connections.
constexpr duration check_interval = 50ms;
/// The pause after the system's wait has failed for good.
constexpr duration pause_after_failure = 50ms;

constexpr error no_memory{errc::out_of_memory, phase::setup, 0, "serverlink-http"};

/// "127.0.0.1:80", "[::1]:80"
result<address> parse_address(std::string_view text)
{
    const std::size_t colon = text.rfind(':');
    const bool bracketed =
        text.starts_with('[') && colon != 0 && colon != text.npos && text[colon - 1] == ']';
    std::string_view host = text.substr(0, colon == text.npos ? 0 : colon);
    if (bracketed)
        host = host.substr(1, host.size() - 2);
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const char* const digits = colon == text.npos ? end : text.data() + colon + 1;
    const auto [rest, fault] = std::from_chars(digits, end, port);
    const bool is_number = fault == std::errc() && rest == end;
    const auto made = address::parse(host, port);
    if (!is_number || !made || bracketed != (made->family == address_family::ipv6))
        return fail(errc::invalid_argument, phase::setup, "address");
    return *made;
}

/// Calls `work`, whose result is a value or an error; an exception is out_of_memory.
template <class Work>
auto without_exceptions(Work work) noexcept -> decltype(work())
{
    try {
        return work();
    } catch (...) {
        return fail(no_memory);
    }
}

} // namespace

namespace http {

class service {
public:
    service(const context& of, http_options options);
    service(const service&) = delete;
    service& operator=(const service&) = delete;
    ~service() { (void)stop(); }

    result<void> start(const address& at);
    /// False in a child process (fork(2)): the parent may have been in the middle of changing this
    /// object, which is never destroyed then.
    bool stop() noexcept;

    const address& local() const noexcept { return local_; }
    page_state& state() noexcept { return state_; }

private:
    content get(const std::string& path);
    content numbers(const std::string& path);
    void accept(stream accepted) noexcept;
    void run() noexcept;
    void check_connections() noexcept;

    const context& of_;
    const http_options options_;
    address local_{};
    page_state state_;
    std::optional<responder> responses_;
    std::optional<event_stream> events_;
    std::vector<std::shared_ptr<connection>> connections_;
    std::optional<loop> on_; // its end releases the last operations of connections
    std::optional<listener> door_;
    std::atomic<bool> stopping_ = false;
    std::thread runner_;
};

service::service(const context& of, http_options options)
    : of_(of), options_(std::move(options)), state_(system_clock_source().now())
{
}

result<void> service::start(const address& at)
{
    responses_.emplace(options_.hosts, !at.is_loopback() && options_.hosts.empty(),
                       [this](const std::string& path) { return get(path); });
    connections_.reserve(options_.max_connections);

    SLK_TRY(on_, loop::create());
    listener_options listening;
    listening.at = endpoint::of(at);
    if (listening.at.host.empty())
        return fail(no_memory);
    listening.accepts = 4;
    listener_handlers handlers;
    handlers.accepted = [this](stream accepted) { accept(std::move(accepted)); };
    handlers.admits = [this](const address&) {
        check_connections();
        if (connections_.size() < options_.max_connections)
            return true;
        // Those who say nothing give way.
        const auto mute = std::ranges::find_if(
            connections_, [](const auto& each) { return each->is_receiving(); });
        if (mute == connections_.end())
            return false;
        (*mute)->end();
        connections_.erase(mute);
        return true;
    };
    SLK_TRY(door_, listener::create(*on_, std::move(listening), std::move(handlers)));
    local_ = door_->local_address();

    event_options watched;
    watched.kinds = shown_events();
    watched.handler = [this](const event& what) {
        try {
            state_.add(what);
        } catch (...) {
            // There is no memory: the page lacks this event.
            return;
        }
    };
    SLK_TRY(events_, event_stream::of(of_, std::move(watched)));
    runner_ = std::thread([this] { run(); });
    return {};
}

bool service::stop() noexcept
{
    bool is_inherited = false;
    if (events_) {
        const auto next = events_->next(no_wait);
        is_inherited = !next && next.error() == errc::forked;
    }
    if (runner_.joinable() && !is_inherited) {
        stopping_ = true;
        on_->stop();
        runner_.join();
    }
    events_.reset();
    door_.reset();
    if (!is_inherited)
        connections_.clear();
    on_.reset();
    return !is_inherited;
}

content service::get(const std::string& path)
{
    if (path == "/state" || path == "/metrics")
        return numbers(path);
    for (const page_file& each : page_files())
        if (path == each.path)
            return {200, std::string(each.type), std::string(each.content)};
    return {};
}

content service::numbers(const std::string& path)
{
    const auto now = metrics_of(of_);
    if (!now)
        return {503, "text/plain; charset=utf-8", to_string(now.error()) + '\n'};
    if (path == "/state")
        return {200, "application/json", state_.json(*now, system_clock_source().now())};
    auto text = open_metrics(*now);
    if (!text)
        throw std::bad_alloc();
    return {200, "application/openmetrics-text; version=1.0.0; charset=utf-8", *std::move(text)};
}

void service::accept(stream accepted) noexcept
{
    try {
        connections_.push_back(std::make_shared<connection>(
            std::move(accepted), *responses_,
            connection_limits{options_.max_request_size, options_.timeout}, on_->now()));
    } catch (...) {
        return; // without memory the stream is closed by its end
    }
    connections_.back()->begin();
}

void service::check_connections() noexcept
{
    for (const auto& each : connections_)
        each->check(on_->now());
    std::erase_if(connections_, [](const auto& each) { return each->is_over(); });
}

void service::run() noexcept
{
    while (!stopping_) {
        const bool is_idle = connections_.empty();
        const auto ran =
            on_->run_until([this, is_idle] { return stopping_ || connections_.empty() != is_idle; },
                           is_idle ? duration::max() : check_interval);
        check_connections();
        if (!ran)
            std::this_thread::sleep_for(pause_after_failure);
    }
    // Here, because io_uring cancels the operations of a thread that has ended only later.
    door_.reset();
    for (const auto& each : connections_)
        each->end();
    connections_.clear();
    (void)on_->run_for(duration::zero());
}

} // namespace http

result<void> http_options::validate() const
{
    return without_exceptions([&]() -> result<void> {
        SLK_TRY(parse_address(address));
        const auto refuse = [](const char* option) {
            return fail(errc::invalid_argument, phase::setup, option);
        };
        for (const std::string& each : hosts)
            if (each.empty() || http::host_without_port(each) != each)
                return refuse("hosts");
        if (max_connections < 1 || max_connections > 1000)
            return refuse("max_connections");
        if (max_request_size < 256 || max_request_size > 65'536)
            return refuse("max_request_size");
        if (timeout < 10ms || timeout > 1h)
            return refuse("timeout");
        return {};
    });
}

http_server::http_server(std::unique_ptr<http::service> made) noexcept : service_(std::move(made))
{
}
http_server::http_server(http_server&& other) noexcept = default;

http_server& http_server::operator=(http_server&& other) noexcept
{
    if (this != &other) {
        stop();
        service_ = std::move(other.service_);
    }
    return *this;
}

http_server::~http_server()
{
    stop();
}

result<http_server> http_server::create(const context& of, http_options options)
{
    return without_exceptions([&]() -> result<http_server> {
        SLK_TRY(options.validate());
        SLK_TRY(const auto at, parse_address(options.address));
        auto made = std::make_unique<http::service>(of, std::move(options));
        SLK_TRY(made->start(at));
        return http_server(std::move(made));
    });
}

void http_server::stop() noexcept
{
    if (service_ && !service_->stop())
        (void)service_.release();
}

address http_server::address() const noexcept
{
    return service_ ? service_->local() : slk::address{};
}

std::string http_server::url() const
{
    try {
        return service_ ? "http://" + to_string(service_->local()) + '/' : std::string();
    } catch (...) {
        return {};
    }
}

void http_server::show_link(std::string_view name, const link_transition& move,
                            const link_status& status) noexcept
{
    try {
        if (service_)
            service_->state().show(name, move, status);
    } catch (...) {
        return; // there is no memory: the page lacks this move
    }
}

void http_server::forget(std::string_view name) noexcept
{
    if (service_)
        service_->state().forget(name);
}

void http_server::show_listener(std::string_view name, const listener_status& status) noexcept
{
    try {
        if (service_)
            service_->state().show(name, status);
    } catch (...) {
        return; // there is no memory: the page lacks this status
    }
}

} // namespace slk
