// SPDX-License-Identifier: MPL-2.0

// How a socket gets its peers, and lets go of them.

#include "messaging/socket_core.hpp"
#include "messaging/waiter.hpp"

#include <algorithm>
#include <atomic>

namespace slk::messaging {

namespace {

/// What a peer that is being left may take to read what was sent, at most.
constexpr duration max_farewell = std::chrono::seconds(1);

constexpr error by_owner{errc::cancelled, phase::close, 0, "closed by its owner"};

} // namespace

// --- bind and connect ---

result<std::string> socket_core::bind(std::string_view text)
{
    SLK_TRY(usable());
    SLK_TRY(const endpoint at, endpoint::parse(text));
    if (at.transport == transport::inproc)
        return bind_inproc(at.host);
    auto entry = std::make_unique<endpoint_entry>();
    entry->kind = endpoint_kind::bound;
    entry->number = context_->next_number();
    const std::shared_ptr<carrier>& on = context_->next_carrier(options_.affinity);
    entry->listens = reference<binding>::adopt(new binding(on, settings_, box_, entry->number));
    result<void> opened = fail(errc::loop_closed, phase::bind);
    on->perform([&] {
        opened = entry->listens->open(at);
        if (opened)
            entry->text = to_string(entry->listens->listens().local_endpoint());
    });
    SLK_TRY(std::move(opened));
    last_endpoint_ = entry->text;
    endpoints_.push_back(std::move(entry));
    return last_endpoint_;
}

result<std::string> socket_core::bind_inproc(const std::string& name)
{
    auto entry = std::make_unique<endpoint_entry>();
    entry->kind = endpoint_kind::bound;
    entry->number = context_->next_number();
    entry->inproc_name = name;
    entry->text = "inproc://" + name;
    last_endpoint_ = entry->text;
    endpoints_.push_back(std::move(entry));
    const auto bound = context_->names().bind(name, party(endpoints_.back()->number));
    if (!bound) {
        endpoints_.pop_back();
        return fail(bound.error());
    }
    take_news();
    return last_endpoint_;
}

inproc_party socket_core::party(std::uint64_t number) noexcept
{
    return {box_,
            type_,
            options_.routing_id,
            number,
            options_.send_high_water_mark,
            options_.receive_high_water_mark,
            &pools_,
            settings_->options().conflate,
            options_.receive_high_water_bytes};
}

result<void> socket_core::connect(std::string_view text, const connect_options& how)
{
    SLK_TRY(usable());
    take_news();
    SLK_TRY(const endpoint to, endpoint::parse(text));
    if (!how.routing_id.empty()) {
        if (router_ == nullptr)
            return fail(errc::invalid_argument, phase::connect, "routing_id is for a ROUTER");
        if (how.routing_id.size() > zmtp::max_identity || how.routing_id.front() == '\0')
            return fail(errc::invalid_argument, phase::connect,
                        "routing_id is 1 to 255 bytes and does not begin with a zero");
        if (has_route(how.routing_id))
            return fail(errc::invalid_argument, phase::connect, "routing_id is taken");
    }
    auto entry = std::make_unique<endpoint_entry>();
    entry->kind = endpoint_kind::connected;
    entry->number = context_->next_number();
    entry->text = text;
    SLK_TRY(to.transport == transport::inproc ? connect_inproc(*entry, to.host)
                                              : connect_link(*entry, to));
    pipe& made = *entry->leads;
    last_endpoint_ = entry->text;
    endpoints_.push_back(std::move(entry));
    remember(made);
    if (!how.routing_id.empty()) {
        made.named = true;
        made.routing_id = how.routing_id;
    }
    // A ROUTER's peer is nobody before his name is known.
    if (!options_.immediate && (router_ == nullptr || made.named)) {
        if (const auto admitted = admit(made); !admitted) {
            (void)let_go({endpoints_.back().get()}, duration::zero());
            return fail(admitted.error());
        }
        greet(made);
    }
    if (endpoint_entry& whole = *endpoints_.back(); whole.connection)
        whole.connection->start();
    take_news();
    return {};
}

result<void> socket_core::connect_inproc(endpoint_entry& entry, const std::string& name)
{
    entry.inproc_name = name;
    SLK_TRY(entry.leads, context_->names().connect(name, party(entry.number)));
    return {};
}

result<void> socket_core::connect_link(endpoint_entry& entry, const endpoint& to)
{
    const std::shared_ptr<carrier>& on = context_->next_carrier(options_.affinity);
    entry.carries = session::create(on, settings_, box_, pools_);
    if (!entry.carries)
        return fail(errc::out_of_memory, phase::connect);
    entry.leads = reference<pipe>::adopt(new (std::nothrow) pipe(entry.carries->lanes(), 0));
    if (!entry.leads)
        return fail(errc::out_of_memory, phase::connect);
    entry.leads->far = reference<far_end>::to(*entry.carries);
    entry.leads->endpoint = entry.number;
    entry.leads->belong_to(box_);
    entry.carries->join(entry.leads, entry.number);

    link_options wanted{.to = to, .reconnect = options_.reconnect, .tuning = options_.tuning};
    wanted.reconnect.useful_when = usefulness::confirmed;
    link_handlers handlers;
    handlers.connected = [carries = entry.carries](stream connection) {
        carries->begin(std::move(connection));
    };
    auto connecting = link::create(*on->loop, std::move(wanted), std::move(handlers));
    if (!connecting) {
        entry.carries->end(connecting.error());
        entry.leads->far.reset();
        return fail(connecting.error());
    }
    entry.connection = std::move(*connecting);
    entry.carries->observe(&entry);
    return {};
}

// --- letting go ---

bool socket_core::belongs_to(const pipe& who,
                             const std::vector<endpoint_entry*>& which) const noexcept
{
    return std::ranges::any_of(
        which, [&](const endpoint_entry* each) { return each->number == who.endpoint; });
}

/// Waits until what is queued for their peers was taken.
void socket_core::flush(const std::vector<endpoint_entry*>& which, duration timeout)
{
    const slk::timeout limit{timeout};
    waiter waiting(*context_, *box_, limit, true);
    for (;;) {
        take_news();
        bool all = true;
        for (const auto& each : pipes_) {
            pipe& who = *each;
            if (who.ended || who.is_inproc || !belongs_to(who, which))
                continue;
            who.out().ask_for_bell();
            const newest_message::counts sent = who.sent();
            all = all && sent.put == sent.replaced + sent.taken;
        }
        if (all || !waiting.wait())
            return;
    }
}

std::vector<reference<pipe>> socket_core::pipes_of(const std::vector<endpoint_entry*>& which) const
{
    std::vector<reference<pipe>> found;
    for (const auto& each : pipes_)
        if (belongs_to(*each, which))
            found.push_back(each);
    return found;
}

/// When their connections have ended: before that the system may be taking more.
close_report socket_core::report(const std::vector<endpoint_entry*>& which,
                                 const std::vector<reference<pipe>>& leaving)
{
    close_report told;
    for (const auto& each : leaving) {
        pipe& who = *each;
        const auto text = std::ranges::find_if(
            which, [&](const endpoint_entry* entry) { return entry->number == who.endpoint; });
        const newest_message::counts sent = who.sent();
        const std::uint64_t taken = taken_of(who, sent);
        told.peers.push_back({(*text)->text,
                              who.routing_id.empty() ? who.about.routing_id : who.routing_id, taken,
                              sent.put - sent.replaced - taken});
    }
    return told;
}

/// Ends the endpoints and their connections, and waits for that, which does not take long.
void socket_core::end(const std::vector<endpoint_entry*>& which, duration timeout)
{
    const duration farewell = std::min(timeout, max_farewell);
    const auto left = std::make_shared<std::atomic<std::size_t>>(0);
    const auto one_less = [left, box = box_] {
        if (left->fetch_sub(1, std::memory_order_acq_rel) == 1)
            box->notify();
    };
    const auto begin = [&](carrier& on, const std::function<void()>& work) {
        left->fetch_add(1, std::memory_order_relaxed);
        if (!on.perform(work))
            one_less();
    };
    for (endpoint_entry* const each : which) {
        if (!each->inproc_name.empty()) {
            context_->names().unbind(each->inproc_name, each->number);
            context_->names().forget(each->number);
        }
        if (each->connection)
            each->connection->pause();
        if (each->carries)
            begin(*each->carries->on(), [&] { each->carries->close(farewell, one_less); });
        if (each->listens)
            begin(*each->listens->on(), [&] { each->listens->close(farewell, one_less); });
    }
    const slk::timeout limit{farewell + max_farewell};
    waiter waiting(*context_, *box_, limit, true);
    while (left->load(std::memory_order_acquire) > 0 && waiting.wait())
        take_news();
    for (endpoint_entry* const each : which)
        each->connection.reset();
}

result<close_report> socket_core::withdraw(endpoint_kind kind, std::string_view text,
                                           duration timeout)
{
    SLK_TRY(usable());
    take_news();
    std::vector<endpoint_entry*> which;
    for (const auto& each : endpoints_)
        if (each->kind == kind && each->text == text)
            which.push_back(each.get());
    if (which.empty())
        return fail(errc::invalid_argument, phase::close, "there is no such endpoint");
    return let_go(which, timeout);
}

close_report socket_core::let_go(const std::vector<endpoint_entry*>& which, duration timeout)
{
    for (const endpoint_entry* const each : which)
        if (each->listens)
            each->listens->on()->perform([&] { each->listens->stop_listening(); });
    const std::vector<reference<pipe>> leaving = pipes_of(which);
    flush(which, timeout);
    end(which, timeout);
    take_news();
    close_report told = report(which, leaving);
    for (const auto& each : std::vector(pipes_)) {
        pipe& who = *each;
        if (!belongs_to(who, which))
            continue;
        // With inproc the name goes, but not who has come by it.
        if (who.is_inproc && who.accepted)
            continue;
        if (who.is_inproc && who.far)
            who.far->far_end_left(by_owner);
        retire(who);
    }
    std::erase_if(endpoints_, [&](const auto& each) {
        return std::ranges::find(which, each.get()) != which.end();
    });
    return told;
}

close_report socket_core::close(duration timeout)
{
    if (closed_)
        return {};
    take_news();
    closed_ = true;
    std::vector<endpoint_entry*> which;
    for (const auto& each : endpoints_)
        which.push_back(each.get());
    publish_staged();
    const std::vector<reference<pipe>> leaving = pipes_of(which);
    if (timeout > duration::zero())
        flush(which, timeout);
    end(which, timeout);
    take_news();
    close_report told = report(which, leaving);
    for (const auto& each : std::vector(pipes_)) {
        pipe& who = *each;
        const reference<far_end> far = who.far;
        end_of(who);
        if (who.is_inproc && far)
            far->far_end_left(by_owner);
    }
    endpoints_.clear();
    context_->remove(box_);
    take_news();
    box_->close();
    return told;
}

} // namespace slk::messaging
