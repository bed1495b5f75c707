// SPDX-License-Identifier: MPL-2.0
#include "link/listener_core.hpp"

#include "base/call_user.hpp"
#include "base/try_allocate.hpp"
#include "link/endpoint_rules.hpp"
#include "link/open_when_free.hpp"
#include "link/stream_core.hpp"
#include "link/tune.hpp"

#include <new>
#include <utility>

namespace slk::link_detail {

namespace {

/// Connections shed at a time: enough to empty a burst, few enough for one turn.
constexpr std::size_t max_shed = 64;

} // namespace

listener_core::listener_core(std::shared_ptr<io::loop_core> loop, listener_options options,
                             listener_handlers handlers)
    : loop_(std::move(loop)), options_(std::move(options)), handlers_(std::move(handlers)),
      accepts_(new(std::nothrow) io::accept_operation[static_cast<std::size_t>(options_.accepts)])
{
    timer_.owner = this;
    timer_.on_expiry = [](io::timer& self) noexcept {
        static_cast<listener_core*>(self.owner)->feed(listener_event::pause_over);
    };
    close_task_.owner = this;
    close_task_.run = [](io::task& self) noexcept {
        auto* const listener = static_cast<listener_core*>(self.owner);
        listener->stop();
        listener->release();
    };
    close_task_.drop = [](io::task& self) noexcept {
        static_cast<listener_core*>(self.owner)->release();
    };
    status_.store(present_);
}

result<void> listener_core::open()
{
    if (accepts_ == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    port_ = options_.at.port;
    descriptor_ = options_.descriptor;
    if (options_.at.transport == transport::ipc) {
        SLK_TRY(name_, io::os::local_name::choose(options_.at.host));
    }
    SLK_TRY(open_socket());
    attached_ = true;
    retain();
    loop_->add(*this);
    feed(listener_event::opened);
    return {};
}

/// A listener that opens its socket again keeps its port and its path, but asks its interface
/// again.
result<address> listener_core::listening_address() const
{
    std::optional<address> chosen = options_.at.numeric();
    if (!chosen) {
        SLK_TRY(const auto found, loop_->io().interface_addresses(options_.at.host));
        for (const address_family family : {address_family::ipv4, address_family::ipv6})
            if (!chosen)
                chosen = choose_address(found, family, false);
    }
    chosen->port = port_;
    return *chosen;
}

result<void> listener_core::open_socket() noexcept
{
    SLK_TRY(const address bound_to, listening_address());
    const io::listen_settings settings{.backlog = options_.backlog,
                                       .dual_stack = options_.dual_stack,
                                       .path = name_ != nullptr ? std::string_view(name_->path())
                                                                : std::string_view{},
                                       .descriptor = std::exchange(descriptor_, -1)};
    SLK_TRY(socket_, loop_->io().open_listener(bound_to, settings));
    if (name_ != nullptr)
        name_->taken();
    const auto give_up = [&](const error& reason) {
        close_socket();
        return fail(reason);
    };
    // Accepted sockets inherit the buffers. The handshake is over before the accept and fixes the
    // window scale by them.
    if (auto tuned = tune_before_connect(loop_->io(), socket_, options_.tuning); !tuned)
        return give_up(tuned.error());
    auto local = loop_->io().local_address(socket_);
    if (!local)
        return give_up(local.error());
    present_.local = *local;
    port_ = local->port;
    return {};
}

void listener_core::close_socket() noexcept
{
    if (name_ != nullptr)
        name_->give_back();
    loop_->io().close(std::exchange(socket_, {}));
}

endpoint listener_core::local_endpoint() const
{
    if (name_ == nullptr)
        return endpoint::of(status().local);
    endpoint made;
    made.transport = transport::ipc;
    made.host = joined({name_->path()});
    return made;
}

std::intptr_t listener_core::native_handle() const noexcept
{
    return socket_ && !loop_->forked() && !loop_->closed() ? loop_->io().handle_of(socket_)
                                                           : io::invalid_handle;
}

// --- the machine ---

void listener_core::feed(listener_event event, const error& failure) noexcept
{
    if (failure)
        present_.last_error = failure;
    const listener_state before = machine_.state();
    const listener_actions actions =
        machine_.step(options_.pause, loop_->io().now(), event, failure);
    present_.state = machine_.state();
    if (present_.state == listener_state::pausing && before != present_.state)
        ++present_.pauses;
    status_.store(present_);
    retain();
    perform(actions);
    if (failure && handlers_.failed && !handle_gone_)
        call_user("listener_handlers::failed", [&] { handlers_.failed(failure); });
    release();
}

void listener_core::perform(const listener_actions& actions) noexcept
{
    if (actions.disarm)
        loop_->io().disarm(timer_);
    if (actions.shed)
        shed();
    if (actions.close_socket)
        close_socket();
    if (actions.arm != never)
        loop_->io().arm(timer_, actions.arm);
    if (actions.open)
        reopen();
    if (actions.post)
        post_accepts();
}

void listener_core::reopen() noexcept
{
    if (auto opened = open_socket(); opened)
        feed(listener_event::opened);
    else
        feed(listener_event::open_failed, opened.error());
}

void listener_core::post_accepts() noexcept
{
    for (int i = 0; i < options_.accepts; ++i) {
        io::accept_operation& op = accepts_[static_cast<std::size_t>(i)];
        if (op.in_flight())
            continue;
        op.owner = this;
        op.on_complete = [](io::operation& self) noexcept {
            auto* const listener = static_cast<listener_core*>(self.owner);
            listener->accept_completed(static_cast<io::accept_operation&>(self));
            listener->release();
        };
        retain();
        loop_->io().accept(op, socket_);
    }
}

void listener_core::accept_completed(io::accept_operation& op) noexcept
{
    if (op.failure) {
        // A close by this side is not reported as a failed accept.
        if (op.failure != errc::cancelled || socket_ == op.socket)
            // A copy: the operation is posted again before the handler is called.
            feed(listener_event::accept_failed, error(op.failure));
        return;
    }
    if (const error lost = take(op); lost) {
        ++present_.failed;
        present_.last_error = lost;
    }
    feed(listener_event::accepted);
}

/// Makes a stream of an accepted socket and passes it to the handler.
error listener_core::take(const io::accept_operation& op) noexcept
{
    const io::socket_id id = op.accepted;
    io::poller& poller = loop_->io();
    const auto give_up = [&](const error& reason) {
        poller.close(id, io::close_mode::reset);
        return reason;
    };
    constexpr error no_handler{errc::cancelled, phase::accept, 0, "there is no handler"};
    if (handle_gone_ || !handlers_.accepted)
        return give_up(no_handler);
    // A connection that its client has reset has no peer; that is no error of the listener.
    const auto peer = poller.peer_address(id);
    if (!peer)
        return give_up(peer.error());
    const auto admits = [&] { return handlers_.admits(*peer); };
    if (handlers_.admits && !call_user("listener_handlers::admits", admits)) {
        ++present_.refused;
        poller.close(id, io::close_mode::reset);
        return {};
    }
    if (handle_gone_) // since the handler was asked
        return give_up(no_handler);
    const auto local = poller.local_address(id);
    if (!local)
        return give_up(local.error());
    if (auto tuned = tune_before_connect(poller, id, options_.tuning); !tuned)
        return give_up(tuned.error());
    if (auto tuned = tune_connected(poller, id, local->family, options_.tuning); !tuned)
        return give_up(tuned.error());
    stream_core* const made = stream_core::create(loop_, id, *local, *peer, nullptr);
    if (made == nullptr)
        return give_up({errc::out_of_memory, phase::accept});
    ++present_.accepted;
    call_user("listener_handlers::accepted", [&] { handlers_.accepted(stream(made)); });
    return {};
}

void listener_core::shed() noexcept
{
    present_.shed += loop_->io().shed(socket_, max_shed);
    status_.store(present_);
}

// --- ending ---

void listener_core::stop() noexcept
{
    handle_gone_ = true;
    if (!attached_)
        return;
    feed(listener_event::stop);
    if (name_ != nullptr)
        name_->end();
    attached_ = false;
    loop_->remove(*this);
    release();
}

void listener_core::loop_closing() noexcept
{
    stop();
}

listener_status listener_core::status() const noexcept
{
    // The parent's loop may have been in the middle of a store when it forked.
    if (loop_->forked())
        return {.last_error = loop_->why_closed()};
    return status_.load();
}

void listener_core::close_handle() noexcept
{
    if (loop_->forked()) {
        loop_->leave_to_parent();
    } else if (loop_->closed()) {
        // It was stopped when the loop closed.
    } else if (loop_->may_touch()) {
        stop();
    } else {
        retain();
        if (!loop_->post(close_task_))
            release();
    }
    release();
}

} // namespace slk::link_detail

// --- the handle ---

namespace slk {

result<void> listener_options::validate() const
{
    const auto bad = [](const char* what) {
        return fail(errc::invalid_argument, phase::setup, what);
    };
    SLK_TRY(link_detail::check_endpoint(at));
    if (!at.source.empty())
        return bad("a listener has no source address");
    if (backlog < 1)
        return bad("backlog is less than 1");
    if (accepts < 1 || accepts > 64)
        return bad("accepts is not 1 to 64");
    if (pause < std::chrono::milliseconds(1) || pause > std::chrono::minutes(1))
        return bad("pause is not 1 ms to 1 min");
    if (!tuning.device.empty())
        return bad("tuning.device does not apply to accepted connections");
    return tuning.validate();
}

result<listener> listener::create(loop& on, listener_options options, listener_handlers handlers)
{
    SLK_TRY(options.validate());
    if (on.core() == nullptr)
        return fail(errc::loop_closed, phase::setup);
    if (on.core()->closed())
        return fail(on.core()->why_closed());
    if (!on.core()->may_touch())
        return fail(errc::invalid_state, phase::setup, "not on the loop's thread");
    SLK_TRY(link_detail::check_supported(options.at, on.core()->io()));
    const transport by = options.at.transport;
    auto* const made = new (std::nothrow)
        link_detail::listener_core(on.core(), std::move(options), std::move(handlers));
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    listener handle(made);
    const bool may_wait = !on.core()->inside() && on.core()->io().names() == nullptr;
    SLK_TRY(link_detail::open_when_free(may_wait, by, [made] { return made->open(); }));
    return handle;
}

result<listener> listener::create(loop& on, std::string_view at, listener_options options,
                                  listener_handlers handlers)
{
    SLK_TRY(options.at, endpoint::parse(at));
    return create(on, std::move(options), std::move(handlers));
}

listener::listener(listener&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}

listener& listener::operator=(listener&& other) noexcept
{
    if (this != &other) {
        close();
        core_ = std::exchange(other.core_, nullptr);
    }
    return *this;
}

listener::~listener()
{
    close();
}

void listener::close()
{
    if (core_ != nullptr)
        std::exchange(core_, nullptr)->close_handle();
}

listener_status listener::status() const noexcept
{
    return core_ != nullptr ? core_->status() : listener_status{};
}

std::intptr_t listener::native_handle() const noexcept
{
    return core_ != nullptr ? core_->native_handle() : io::invalid_handle;
}

endpoint listener::local_endpoint() const
{
    return core_ != nullptr ? core_->local_endpoint() : endpoint{};
}

} // namespace slk
